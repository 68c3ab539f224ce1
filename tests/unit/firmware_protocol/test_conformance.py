"""The judge: silent about what keeps the SPEC, and exact about what breaks it."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_protocol import vectors
from firmware_protocol.conformance.clauses import CLAUSES
from firmware_protocol.conformance.judge import Judge
from firmware_protocol.conformance.notes import Heard, Judgement
from firmware_protocol.layout import MAC_SIZE
from firmware_protocol.sealed import Direction, mac_input
from parking.device_keys import cmac
from sensors_sim.faults import Faults
from tests.unit.firmware_protocol import bay_life
from tests.unit.firmware_protocol.broken_devices import ADVICE, BROKEN
from tests.unit.firmware_protocol.good_device import SECRET, Life, good_life, sealed_life
from tests.unit.sensors_sim.conftest import EPOCH, live

CANNOT_BE_BROKEN = {"D-1", "T-1", "A-11"}
"""Any bits are a duration; bytes behind the fixed part are values or T-3; a changed sealed frame is A-2."""


def verify(device: str, payload: bytes) -> bool:
    return (
        cmac(SECRET, mac_input(device, Direction.UP, payload[:-MAC_SIZE]))[:MAC_SIZE] == payload[-MAC_SIZE:]
    )


def judged(messages: Iterable[Heard], **options: float) -> list[Judgement]:
    judge = Judge(verify=verify, **options)  # type: ignore[arg-type]
    for heard in messages:
        judge.take(heard)
    return judge.finish()


def of_life(life: Life) -> list[Judgement]:
    return judged(message.heard(number) for number, message in enumerate(life, 1))


def told(judgements: list[Judgement]) -> dict[str, list[str]]:
    """What is wrong, by clause: for the message of a failed test."""
    return {j.clause.name: [finding.says for finding in j.findings] for j in judgements if j.findings}


def names(judgements: list[Judgement], verdict: str) -> list[str]:
    return [judgement.clause.name for judgement in judgements if judgement.verdict == verdict]


@pytest.mark.parametrize("life", [good_life(), sealed_life()], ids=["plain", "sealed"])
def test_a_good_device_keeps_every_clause(life: Life) -> None:
    judgements = of_life(life)
    assert told(judgements) == {}
    assert names(judgements, "passed")


def test_a_good_device_shows_nearly_everything() -> None:
    judgements = of_life(good_life()) + of_life(sealed_life())
    shown = set(names(judgements, "passed"))
    bound = {name for name, clause in CLAUSES.items() if clause.party == "device" and clause.unseen is None}
    assert bound - shown == set()


@pytest.mark.parametrize(("name", "life"), list(BROKEN.items()), ids=list(BROKEN))
def test_a_device_that_breaks_one_clause_is_told_that_clause_alone(name: str, life: Life) -> None:
    judgements = of_life(life)
    assert names(judgements, "violated") == [name.split()[0]], told(judgements)


@pytest.mark.parametrize(("name", "life"), list(ADVICE.items()), ids=list(ADVICE))
def test_what_only_should_be_is_advice(name: str, life: Life) -> None:
    judgements = of_life(life)
    assert names(judgements, "advice") == [name.split()[0]], told(judgements)
    assert names(judgements, "violated") == []


def test_every_clause_that_messages_can_show_has_a_device_that_breaks_it() -> None:
    bound = [clause for clause in CLAUSES.values() if clause.party in ("device", "gateway")]
    shown = {clause.name for clause in bound if clause.unseen is None}
    assert {name.split()[0] for name in [*BROKEN, *ADVICE]} | CANNOT_BE_BROKEN == shown


def test_a_finding_names_device_line_and_reason() -> None:
    (judgement,) = [j for j in of_life(BROKEN["Q-1 a boot id at random"]) if j.verdict == "violated"]
    (finding,) = judgement.findings
    assert (finding.device, finding.must) == ("ps-1", True)
    assert finding.says == "boot id 150 after 7: it goes up by one at each start"
    line = BROKEN["Q-1 a boot id at random"][finding.number - 1]
    assert line.state.boot == 150


def test_many_findings_are_counted_and_few_are_shown() -> None:
    (judgement,) = [j for j in of_life(BROKEN["M-2 QoS 0"]) if j.verdict == "violated"]
    assert judgement.total > 20
    assert len(judgement.findings) == 5


def test_without_times_ages_and_heartbeats_are_not_judged_and_the_rest_is() -> None:
    lines = [
        Heard(number=n, payload=m.payload) for n, m in enumerate(good_life(), 1) if m.topic.endswith("up")
    ]
    judgements = judged(lines)
    assert told(judgements) == {}
    assert {"S-3", "D-4", "M-2"} <= set(names(judgements, "not judged"))
    assert {"F-1", "Q-1", "Q-2", "Q-3", "D-5"} <= set(names(judgements, "passed"))


def test_the_same_message_again_at_once_is_no_fault() -> None:
    life = [again for message in good_life() for again in (message, message)]
    assert told(of_life(life)) == {}


def simulated(faults: Faults) -> list[Heard]:
    lived = live(bays=80, duration=400.0, heartbeat_s=30.0, faults=faults)
    ours = [(at, out.topic, data) for at, out, data in lived.sent if out.topic.startswith("parking/")]
    return [
        Heard(number=n, payload=data, topic=topic, at=EPOCH + at)
        for n, (at, topic, data) in enumerate(ours, 1)
        if "/anpr/" not in topic
    ]


@pytest.mark.parametrize(
    "faults", [Faults(), Faults(reboot=60.0), Faults(flapping=0.2)], ids=["calm", "reboots", "flaps"]
)
def test_the_simulated_city_conforms(faults: Faults) -> None:
    judgements = judged(simulated(faults))
    assert names(judgements, "violated") == [], told(judgements)
    expected = {
        "F-1",
        "F-5",
        "S-2",
        "S-3",
        "S-4",
        "S-5",
        "D-2",
        "D-4",
        "D-5",
        "Q-2",
        "Q-3",
        "B-2",
        "B-6",
        "M-1",
    }
    assert expected <= set(names(judgements, "passed")) | {"S-4"}


def test_what_the_network_does_to_the_city_is_seen() -> None:
    violated = names(judged(simulated(Faults(lost=0.3))), "violated")
    assert "S-3" in violated
    assert "S-2" in violated


@pytest.fixture(scope="module")
def program(compile_c: Callable[[Path], Path]) -> Path:
    return compile_c(Path(__file__).with_name("bay_driver.c"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bay_life.lives)
def test_the_c_state_machine_conforms(program: Path, lives: list[bay_life.Life]) -> None:
    sent = [sent for lived in bay_life.live(program, lives) for sent in lived.sent]
    judgements = judged(
        Heard(number=n, payload=one.data, device="ps-1", at=1e9 + one.at / 1000)
        for n, one in enumerate(sent, 1)
    )
    assert names(judgements, "violated") == [], told(judgements)


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([row.data for row in vectors.load()]), max_size=20),
    st.data(),
)
def test_any_bytes_are_judged(payloads: list[bytes], data: st.DataObject) -> None:
    chance = random.Random(data.draw(st.integers()))
    topics = [None, "parking/v1/a/bay/b/up", "parking/v1/a/bay/b/down", "parking/v1/a/gateway/g/up", "x/y"]
    judgements = judged(
        Heard(number=n, payload=payload, topic=chance.choice(topics), at=chance.choice([None, float(n)]))
        for n, payload in enumerate(payloads)
    )
    assert [judgement.clause.name for judgement in judgements] == [
        name for name, clause in CLAUSES.items() if clause.party in ("device", "gateway")
    ]
