"""What a device makes of commands: every one answered, once carried out, refused where it must be."""

from dataclasses import dataclass
from typing import Final

from firmware_protocol.commands import Command, Operation
from firmware_protocol.conformance.notes import Heard, Notes
from firmware_protocol.frames import AckFrame, FrameType, Outcome, ResetCause, StateFrame

PATIENCE_S: Final = 60.0
"""A command that nothing came of until the end is not judged before this."""


@dataclass(slots=True)
class _Given:
    """A command, its first line, and what has come of it so far."""

    command: Command
    heard: Heard
    outcome: int | None = None
    healthy: bool = False
    times: int = 1
    starts: int = 0


class Answers:
    """Judges one device's answers."""

    def __init__(self, device: str, notes: Notes) -> None:
        self._device = device
        self._notes = notes
        self._given: dict[int, _Given] = {}
        self._rebooting: _Given | None = None
        self._boot: int | None = None

    def command(self, command: Command, heard: Heard) -> None:
        """A command was sent to the device."""
        known = self._given.get(command.id)
        if known is not None:
            known.times += 1
            return
        self._given[command.id] = _Given(command, heard)
        if command.operation == Operation.REBOOT:
            self._rebooting = self._given[command.id]

    def health(self) -> None:
        """The device sent a health frame."""
        for given in self._given.values():
            given.healthy = True

    def ack(self, ack: AckFrame, heard: Heard) -> None:
        """The device answered."""
        fine = ack.outcome in Outcome._value2member_map_
        self._look("C-10", heard, None if fine else f"outcome {ack.outcome} is not assigned")
        given = self._given.get(ack.command)
        if given is None:
            return
        self._look("C-4", heard, None)
        if given.outcome is not None:
            wrong = f"command {ack.command} is answered by {given.outcome}, then by {ack.outcome}"
            self._look("C-3", heard, wrong if ack.outcome != given.outcome else None)
            return
        given.outcome = ack.outcome
        self._first(given, ack, heard)

    def state(self, frame: StateFrame, heard: Heard) -> None:
        """The device said what its bay's state is."""
        started = self._boot is not None and frame.boot != self._boot
        self._boot = frame.boot
        if started and frame.type == FrameType.BOOT and self._rebooting is not None:
            self._restarted(self._rebooting, frame, heard)

    def finish(self, end: float | None) -> None:
        """Nothing more was heard until `end`."""
        for given in self._given.values():
            waited = PATIENCE_S if end is None or given.heard.at is None else end - given.heard.at
            if given.outcome is None and waited >= PATIENCE_S:
                self._look("C-4", given.heard, f"command {given.command.id} was not answered")

    def _look(self, clause: str, heard: Heard, wrong: str | None, *, must: bool = True) -> None:
        self._notes.look(clause, device=self._device, number=heard.number, wrong=wrong, must=must)

    def _first(self, given: _Given, ack: AckFrame, heard: Heard) -> None:
        expected = given.command.check()
        wrong = None
        if expected != Outcome.DONE and ack.outcome != expected:
            wrong = f"command {ack.command} must be refused as {expected.name.lower()}, not {ack.outcome}"
        self._look("C-10", heard, wrong)
        if ack.outcome != Outcome.DONE:
            return
        if given.command.operation == Operation.STATUS:
            wrong = "the ack of a status command came without a health frame before it"
            self._look("C-6", heard, None if given.healthy else wrong)
        if given.command.operation == Operation.CONFIGURE:
            lacks = ack.heartbeat_s is None or ack.debounce_ms is None
            wrong = "the ack of a configure command does not say what now holds"
            self._look("C-5", heard, wrong if lacks else None, must=False)
            self._contradicted(given, ack, heard)
        if given.command.operation == Operation.REBOOT:
            self._look("C-8", heard, "the device started before it answered" if given.starts else None)

    def _contradicted(self, given: _Given, ack: AckFrame, heard: Heard) -> None:
        for name in ("heartbeat_s", "debounce_ms"):
            wanted, told = getattr(given.command, name), getattr(ack, name)
            if None not in (wanted, told) and wanted != told:
                self._look("C-5", heard, f"{name} was to be {wanted}, is said to be done, and is {told}")

    def _restarted(self, given: _Given, frame: StateFrame, heard: Heard) -> None:
        by_software = frame.reset_cause == ResetCause.SOFTWARE
        given.starts += 1
        if given.starts == 1:
            wrong = "the boot frame after a reboot command does not say reset cause software"
            self._look("C-8", heard, None if by_software else wrong)
        elif given.times > 1 and by_software:
            self._look("C-3", heard, f"command {given.command.id} came twice and was carried out twice")
