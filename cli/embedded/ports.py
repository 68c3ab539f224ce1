"""Loopback ports: the one asked for if nobody has it, else any free one."""

import random
import socket

LOOPBACK = "127.0.0.1"
_BELOW_EPHEMERAL = (20_000, 32_000)
_TRIES = 100
_CHANCE = random.SystemRandom()


def choose_port(asked: int | None = None) -> int:
    """Return `asked` if it is free on the loopback interface, else a free port picked by the system."""
    return asked if asked and is_free(asked) else _any_free()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # Without this a port that was closed a minute ago still counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    with socket.socket() as probe:
        # macOS lets one bind 127.0.0.1 beside a server on 0.0.0.0: ask whether somebody answers.
        return probe.connect_ex((LOOPBACK, port)) != 0


def _any_free() -> int:
    """A port below those that the system gives to outgoing connections, so that none takes it meanwhile."""
    for _ in range(_TRIES):
        # Not from the seeded generator, which in several processes may give the same.
        port = _CHANCE.randrange(*_BELOW_EPHEMERAL)
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        found: int = probe.getsockname()[1]
        return found
