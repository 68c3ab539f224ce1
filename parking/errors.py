"""The one base of every error that this project raises for a person to read."""

from typing import NamedTuple


class ParkingError(Exception):
    """Something went wrong in the parking system.

    The class docstring is the default message. `hint` says what the reader can do about it.
    """

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        super().__init__(self.message)


class SettingsError(ParkingError):
    """A setting is missing or has a value that cannot be used."""


class Fault(NamedTuple):
    """One value that cannot be used: where it is, what it is, the rule that it breaks.

    `within` names the things around it by their ids; `line` is that of the file, None where there is none.
    """

    field: str
    value: str | None
    rule: str
    within: str = ""
    line: int | None = None

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}: "
        within = f" in {self.within}" if self.within else ""
        found = "" if self.value is None else f" (found {self.value!r})"
        return f"{line}{self.field}{within}: {self.rule}{found}"


class RegistryError(ParkingError):
    """The registry file cannot be used; nothing of it was loaded."""

    def __init__(
        self,
        message: str | None = None,
        *,
        problems: tuple[str, ...] = (),
        faults: tuple[Fault, ...] = (),
        hint: str | None = None,
    ):
        super().__init__(message, hint=hint)
        self.faults = faults
        self.problems = problems or tuple(map(str, faults))


class DatabaseUnavailable(ParkingError):
    """The database cannot be reached."""


class SchemaError(ParkingError):
    """The database schema is not the one that this version needs."""


class BrokerUnavailable(ParkingError):
    """The MQTT broker cannot be reached."""


class PlateKeyError(ParkingError):
    """The folder of plate keys cannot be used."""


class DownlinkError(ParkingError):
    """This command cannot be sent to the device."""


class DeviceKeyError(ParkingError):
    """The file of device keys cannot be used."""


class DeviceError(ParkingError):
    """A device on the street does not do what it was asked for."""


class RecordingError(ParkingError):
    """A recording of frames cannot be read."""


class AccessError(ParkingError):
    """This cannot be done with credentials or the broker's files."""


class Conflict(AccessError):
    """This is so already, or has ended, and cannot be changed so."""


class AuditError(ParkingError):
    """The audit log cannot be read, or is not what it was."""


class NotFound(ParkingError):
    """There is no such thing."""


class InputError(ParkingError):
    """What was asked for cannot be done as it was asked."""


class ConflictError(ParkingError):
    """This does not fit what is there now."""


class Rejection(Exception):
    """A message that cannot be used: a stable code for machines and a sentence for people.

    Not a failure of the system, so not a `ParkingError`: it is recorded and the message acknowledged.
    """

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")
