"""The clauses of SPEC.md: whom each binds, and what messages alone can show of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Party = Literal["device", "gateway", "receiver", "sender"]
"""A `sender` is who commands devices; `receiver` and `sender` are judged by this project's own tests."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause; `needs` is what must be seen to judge it, `unseen` why messages cannot show it at all."""

    name: str
    party: Party
    about: str
    needs: str = "a frame"
    unseen: str | None = None


_TIMES: Final = "frames with their times of arrival"
_STATE: Final = "an event, heartbeat or boot frame"
_VALUES: Final = "a frame with optional values"
_BUNDLE: Final = "a gateway's bundle"
_COMMAND: Final = "a command to the device and the time after it"
_SEALED: Final = "a sealed frame"


def _device(name: str, about: str, needs: str = "a frame") -> Clause:
    return Clause(name, "device", about, needs)


def _gateway(name: str, about: str, needs: str = _BUNDLE) -> Clause:
    return Clause(name, "gateway", about, needs)


def _unseen(name: str, about: str, why: str, party: Party = "device") -> Clause:
    return Clause(name, party, about, unseen=why)


def _receiver(*names: str) -> tuple[Clause, ...]:
    return tuple(Clause(name, "receiver", "binds receivers") for name in names)


_ALL: Final = (
    _device("F-1", "version 1, and the type's fixed part is whole"),
    _device("F-2", "an assigned type, where it belongs"),
    _device("F-3", "not erased memory"),
    _device("F-4", "at most 255 bytes"),
    _device("F-5", "reserved bits are 0"),
    _unseen("S-1", "says unknown or fault rather than vacant", "needs someone who looks at the bay"),
    _device("S-2", "an event for each transition", "a transition"),
    _device("S-3", "heartbeats at their interval, changed at random", "three heartbeats with their times"),
    _device("S-4", "a boot frame first after each start", "a start of the device"),
    _device("S-5", "previous is the time between transitions, or 0 and not known", "two transitions"),
    _unseen("S-6", "calibrating changes nothing else", "needs someone who looks at the bay"),
    _unseen("S-7", "battery voltage under load", "needs a voltmeter"),
    _unseen("S-8", "temperature", "needs a thermometer"),
    _device("D-1", "durations of 16 bits", _STATE),
    _device("D-2", "seconds up to 32,767, minutes beyond", _STATE),
    *_receiver("D-3"),
    _device("D-4", "the age grows from one transmission to the next", _TIMES),
    _device("D-5", "the age counts from the first sample of the new state", "an event"),
    *_receiver("D-6", "D-7"),
    _device("Q-1", "the boot id goes up by one at each start", "a start of the device, and frames before it"),
    _device("Q-2", "the sequence goes up by one at each transition and nowhere else", "two state frames"),
    _device("Q-3", "transitions are at least 2 s apart", "two transitions"),
    *_receiver("Q-4", "Q-5", "Q-6", "Q-7"),
    _unseen("Q-8", "keeps its latest transition while it cannot send", "needs the network to be cut"),
    _device("T-1", "optional values behind the fixed part", _VALUES),
    *_receiver("T-2"),
    _device("T-3", "every optional value is whole", _VALUES),
    _device("T-4", "known optional values have their form", _VALUES),
    _device("T-5", "no optional value twice", _VALUES),
    _device("T-6", "no reserved type or reset cause", _VALUES),
    _device("H-1", "state frames too, not health frames alone", "a health frame"),
    _device("H-2", "health frames say how the device is", "a health frame"),
    _unseen("B-1", "frames are forwarded as they came", "needs what the gateway heard", "gateway"),
    _gateway("B-2", "device ids of 1 to 32 of a-z 0-9 . _ -"),
    _gateway("B-3", "at most 65,535 bytes"),
    _unseen("B-4", "the delay is computed at each transmission", "needs what the gateway heard", "gateway"),
    *_receiver("B-5"),
    _gateway("B-6", "every entry and value is whole"),
    _gateway("B-7", "no bundle inside a bundle"),
    _device("M-1", "names of the permitted characters", "topics"),
    _device("M-2", "published with QoS 1", "a message over a broker that does not raise the QoS"),
    _device("M-3", "not retained", "a message over MQTT"),
    _device("M-4", "expiry of seven days, and the user property", "a message over MQTT 5"),
    *_receiver("M-5", "M-6", "E-1", "E-2", "E-3"),
    _unseen("E-4", "values beyond their range are held at its end", "needs what the device measured"),
    *_receiver("V-1", "V-2", "V-3"),
    Clause("C-1", "sender", "how commands are published"),
    Clause("C-2", "sender", "ids of commands"),
    _device("C-3", "the same command again: the same answer, and nothing else", "a command twice"),
    _device("C-4", "an ack for every command", _COMMAND),
    _device("C-5", "configure is answered with what now holds", "a configure command"),
    _device("C-6", "status is answered by a health frame, then the ack", "a status command"),
    _unseen("C-7", "recalibrates, and says so meanwhile", "needs someone who looks at the bay"),
    _device("C-8", "reboot is answered first; then a boot frame with cause software", "a reboot command"),
    _unseen("C-9", "sets its clock", "needs a look at the device's log"),
    _device("C-10", "refuses what it must refuse, with the proper outcome", _COMMAND),
    _unseen("C-11", "ignores what is no command", "an answer names no payload"),
    _device("A-1", "a whole plain frame inside", _SEALED),
    _device("A-2", "the MAC", "a sealed frame, and the device's key"),
    _device("A-3", "no counter twice, each higher than the last", "two sealed frames"),
    *_receiver("A-4", "A-5", "A-6", "A-7", "A-8"),
    _device("A-9", "nothing plain besides", _SEALED),
    *_receiver("A-10"),
    _gateway("A-11", "sealed frames are forwarded as they came", "a sealed frame in a bundle"),
)

CLAUSES: Final[Mapping[str, Clause]] = MappingProxyType({clause.name: clause for clause in _ALL})
"""Every clause of the SPEC, in its order."""
