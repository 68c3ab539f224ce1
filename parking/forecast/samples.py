"""Questions to the forecast in columns: from which count, to which moment."""

from dataclasses import dataclass

from parking.forecast.calendar import Calendar
from parking.forecast.series import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns: site index, origin (s), level at the origin, target (s); and where both lie in local days."""

    site: Ints
    origin: Ints
    value: Floats
    target: Ints
    day: Ints
    slot: Floats
    target_day: Ints
    target_slot: Floats

    @classmethod
    def of(cls, calendar: Calendar, *, site: Ints, origin: Ints, value: Floats, target: Ints) -> "Samples":
        """Samples with their places in the calendar."""
        return cls(site, origin, value, target, *calendar.place(origin), *calendar.place(target))

    def __len__(self) -> int:
        return len(self.site)

    @property
    def horizon(self) -> Ints:
        """Seconds from the origin to the target."""
        return self.target - self.origin

    def where(self, keep: Ints | Bools) -> "Samples":
        """The rows that `keep` numbers or marks."""
        return Samples(
            self.site[keep],
            self.origin[keep],
            self.value[keep],
            self.target[keep],
            self.day[keep],
            self.slot[keep],
            self.target_day[keep],
            self.target_slot[keep],
        )
