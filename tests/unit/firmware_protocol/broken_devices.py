"""Devices that are each broken in one clause, by the clause and what is wrong."""

from dataclasses import replace

from firmware_protocol.commands import Operation
from firmware_protocol.frames import (
    AckFrame,
    FrameType,
    HealthFrame,
    Outcome,
    ResetCause,
    State,
    Tlv,
    TlvType,
    telemetry,
)
from firmware_protocol.layout import MAC_SIZE
from firmware_protocol.sealed import Direction, mac_input
from parking.device_keys import cmac
from tests.unit.firmware_protocol.good_device import (
    HEALTHY,
    HEARTBEAT_S,
    SECRET,
    Life,
    Message,
    acks,
    add,
    add_bytes,
    asked,
    beats,
    boots,
    change,
    drop,
    events,
    good_life,
    is_state,
    of_boot,
    ordered,
    restate,
    sealed,
    sealed_life,
    states,
    with_byte,
)

EVENT = "110502000100040078a1fc"
GATEWAY = "parking/v1/a/gateway/gw-1/up"


def _flags(bits: int, message: Message) -> Message:
    return with_byte(message, 1, lambda byte: byte | bits)


def _beating(*tlvs: Tlv) -> Life:
    """Heartbeats with these values."""
    return change(lambda message: restate(message, tlvs=tlvs), only=beats)


def _booting(**values: object) -> Life:
    """Boot frames with other values."""
    all_of_them = {"firmware": "1", "heartbeat_s": HEARTBEAT_S} | values
    tlvs = telemetry(**all_of_them)  # type: ignore[arg-type]
    return change(lambda message: restate(message, tlvs=tlvs), only=boots)


def _steady() -> Life:
    """Heartbeats at exactly their interval: those of the first start are moved, and no longer changed."""
    life, at = [], 5.0
    for message in good_life():
        if beats(message) and message.state.boot == 7:
            at += HEARTBEAT_S
            later = int(at - message.at)
            message = replace(restate(message, age_s=max(message.state.age_s + later, 0)), at=at)
        life.append(message)
    return [message for message in ordered(life) if not (message.at > 1500 and of_boot(8)(message))]


def _often() -> Life:
    """A heartbeat more, 20 s after each."""
    more = [m for m in good_life() if beats(m) and m.state.age_s < 100]
    return add(*(replace(restate(m, age_s=m.state.age_s + 20), at=m.at + 20) for m in more))


def _bounces() -> Life:
    """After the third transition another two, a second apart and told one by one."""
    life = []
    for message in good_life():
        if of_boot(7)(message) and message.state.seq == 3 and message.at > 1300:
            message = restate(message, seq=5, previous_s=1, age_s=int(message.at - 1291))
        life.append(message)
    like = next(message for message in good_life() if events(message) and message.state.seq == 3)
    gone = restate(like, seq=4, state=State.VACANT, age_s=2, previous_s=290)
    back = restate(like, seq=5, state=State.OCCUPIED, age_s=2, previous_s=1)
    return ordered([*life, replace(gone, at=1292.5), replace(back, at=1293.5)])


def _resent() -> Life:
    """An event that is sent again as it was the first time."""
    event = next(message for message in good_life() if events(message))
    return add(replace(event, at=event.at + 15))


def _counting_heartbeats() -> Life:
    life, seq, boot = [], 0, 7
    for message in good_life():
        if is_state(message):
            seq = 0 if message.state.boot != boot else seq + (not boots(message))
            boot = message.state.boot
            message = restate(message, seq=seq)
        life.append(message)
    return life


def _bundle(*, device: bytes = b"ps-9", frame: bytes = bytes.fromhex(EVENT), cut: int = 0) -> Life:
    entry = bytes((len(device),)) + device + b"\0\5" + bytes((len(frame),)) + frame
    data = b"\x15\0\0\1" + entry
    return [Message(10, data=data[: len(data) - cut], topic=GATEWAY)]


def _ack_of(number: int) -> Message:
    return next(m for m in good_life() if isinstance(m.frame, AckFrame) and m.frame.command == number)


def _acked(number: int, **fields: object) -> Life:
    """Another answer to this command, each time."""

    def other(message: Message) -> Message:
        assert isinstance(message.frame, AckFrame)
        return replace(message, frame=replace(message.frame, **fields))  # type: ignore[arg-type]

    return change(other, only=lambda m: isinstance(m.frame, AckFrame) and m.frame.command == number)


def _rebooted_twice() -> Life:
    """The same reboot command comes twice, is answered twice, and carried out twice."""
    start = next(message for message in good_life() if boots(message) and message.state.boot == 8)
    life = [message for message in good_life() if message.at < 2200]
    again = asked(2200, 14, Operation.REBOOT, boot=8)
    return ordered([*life, *again, replace(restate(start, boot=9), at=2207)])


def _sealed_in_sealed() -> Life:
    """A right MAC around a frame that is sealed itself."""
    signed = b"\x17\1\0\0\0\x09" + sealed_life()[0].data
    mac = cmac(SECRET, mac_input("ps-1", Direction.UP, signed))
    return [Message(5, data=signed + mac[:MAC_SIZE])]


BROKEN: dict[str, Life] = {
    "F-1 cut short": add_bytes(EVENT[:-4]),
    "F-1 of version 2": add_bytes("2" + EVENT[1:]),
    "F-2 of no assigned type": add_bytes("1a" + EVENT[2:]),
    "F-2 a bundle on a bay's topic": add_bytes("15000000"),
    "F-3 erased memory": add_bytes("ff" * 11),
    "F-4 too long": add_bytes(EVENT + "80f3" + "5a" * 243),
    "F-5 reserved bits": change(lambda message: _flags(0x80, message), only=is_state),
    "F-5 reserved bits of an ack": change(lambda message: _flags(1, message), only=acks),
    "S-2 no event": drop(lambda message: events(message) and message.state.seq == 2),
    "S-3 not at random": _steady(),
    "S-3 a long silence": drop(lambda message: is_state(message) and 1010 < message.at < 1300),
    "S-3 silent at the end": [
        *drop(lambda message: is_state(message) and message.at > 2200),
        Message(2500, HealthFrame(boot=8, tlvs=HEALTHY)),
    ],
    "S-3 too often": _often(),
    "S-4 no boot frame": drop(lambda message: boots(message) and message.state.boot == 8),
    "S-4 boot frames at any time": change(
        lambda message: restate(message, type=FrameType.BOOT, tlvs=_booting()[0].state.tlvs),
        only=lambda message: beats(message) and 500 < message.at < 1000,
    ),
    "S-5 bytes of what is not known": change(lambda m: with_byte(m, 8, lambda byte: 9), only=boots),
    "S-5 another time": change(
        lambda message: restate(message, previous_s=(message.state.previous_s or 0) + 100), only=events
    ),
    "D-2 minutes": change(
        lambda message: with_byte(with_byte(message, 7, lambda _: 0x80), 8, lambda _: 5),
        only=lambda message: is_state(message) and message.state.previous_s == 300,
    ),
    "D-4 the age of the first attempt": _resent(),
    "D-5 counted from the decision": change(
        lambda message: restate(message, age_s=message.state.age_s - 2),
        only=lambda message: is_state(message) and message.state.seq > 0,
    ),
    "Q-1 the same boot id": change(lambda message: restate(message, boot=7), only=is_state),
    "Q-1 a boot id at random": change(lambda message: restate(message, boot=150), only=of_boot(8)),
    "Q-2 by two": change(lambda message: restate(message, seq=2 * message.state.seq), only=is_state),
    "Q-2 counting heartbeats": _counting_heartbeats(),
    "Q-2 not counting": change(
        lambda message: restate(message, state=State.FAULT),
        only=lambda message: beats(message) and message.at > 2300,
    ),
    "Q-2 backwards": change(
        lambda message: restate(message, seq=60_000 - message.state.seq),
        only=lambda message: of_boot(7)(message) and message.state.seq > 1,
    ),
    "Q-3 within a second": _bounces(),
    "T-3 a stray byte": add_bytes(EVENT + "04"),
    "T-4 another form": _beating(Tlv(TlvType.RSSI, b"\0\0")),
    "T-4 text that cannot be printed": _beating(Tlv(TlvType.FIRMWARE, b"\x07")),
    "T-5 twice": _beating(Tlv(TlvType.RSSI, b"\0"), Tlv(TlvType.RSSI, b"\1")),
    "T-6 a reserved type": _beating(Tlv(50, b"")),
    "T-6 a reset cause": _beating(Tlv(TlvType.RESET_CAUSE, b"\x63")),
    "H-1 health alone": [Message(60.0 * n, HealthFrame(boot=1, tlvs=HEALTHY)) for n in range(5)],
    "B-2 a device id": _bundle(device=b"PS/9"),
    "B-3 too long": [Message(10, data=b"\x15" + bytes(65_535), topic=GATEWAY)],
    "B-6 cut short": _bundle(cut=3),
    "B-7 a bundle inside": _bundle(frame=b"\x15\0\0\0"),
    "M-1 a name": add_bytes(EVENT, topic="parking/v1/a b/bay/ps-1/up"),
    "M-2 QoS 0": change(lambda message: replace(message, qos=0)),
    "M-3 retained": change(lambda message: replace(message, retained=True)),
    "C-3 another answer": add(Message(1400, AckFrame(boot=7, command=12, outcome=Outcome.FAILED))),
    "C-3 carried out twice": _rebooted_twice(),
    "C-4 no answer": [message for message in good_life() if message != _ack_of(13)],
    "C-5 said and not done": _acked(12, tlvs=telemetry(heartbeat_s=HEARTBEAT_S, debounce_ms=3000)),
    "C-6 no health frame": drop(lambda message: isinstance(message.frame, HealthFrame)),
    "C-8 another cause": _booting(reset_cause=ResetCause.CRASH),
    "C-8 answered afterwards": ordered(
        [message for message in good_life() if message != _ack_of(14)] + [replace(_ack_of(14), at=1520)]
    ),
    "C-10 done what it cannot know": _acked(13, outcome=Outcome.DONE),
    "C-10 an outcome of its own": _acked(13, outcome=200),
    "A-1 sealed twice": _sealed_in_sealed(),
    "A-2 another key": [sealed(m, n, secret=bytes(16)) for n, m in enumerate(states(good_life())[:5])],
    "A-3 a counter twice": [*sealed_life()[:-1], sealed(states(good_life())[11], 3)],
    "A-9 plain as well": [*sealed_life(), states(good_life())[12]],
}

ADVICE: dict[str, Life] = {
    "S-4 bare boot frames": change(
        lambda message: restate(message, tlvs=message.state.tlvs[1:]),  # firmware is the first value
        only=boots,
    ),
    "H-2 bare health": add(Message(950, HealthFrame(boot=7))),
    "M-1 a name that no gateway takes": [
        replace(message, topic="parking/v1/a/bay/PS-1/up") for message in states(good_life())
    ],
    "M-4 no expiry": change(lambda message: replace(message, expiry_property=None)),
    "C-5 a bare ack": _acked(12, tlvs=()),
}
"""What a device SHOULD do and does not."""
