"""What is read about processes, shown on this very process."""

import os
import socket
import sys
import time

import pytest

from bench.meter import Meter, cpu_s, listening_pid, memory_mb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the meter reads /proc")


def test_processor_seconds_grow_with_work() -> None:
    before, give_up = cpu_s(os.getpid()), time.monotonic() + 10
    while cpu_s(os.getpid()) < before + 0.03:
        assert time.monotonic() < give_up


def test_memory_is_at_most_its_highest() -> None:
    found = memory_mb(os.getpid())
    assert found is not None
    assert 5 < found[0] <= found[1]


def test_a_process_that_is_gone_has_nothing() -> None:
    assert (cpu_s(2**22 + 1), memory_mb(2**22 + 1)) == (0.0, None)


def test_the_listener_of_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listening_pid(port) == os.getpid()
    assert listening_pid(port) is None


def test_parts_that_cannot_be_seen_are_left_out() -> None:
    assert Meter(ingestor=os.getpid(), broker=None, postmaster=None, database="d").read().keys() == {
        "ingestor"
    }
