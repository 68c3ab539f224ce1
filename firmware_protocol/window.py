"""The replay window: which of a key's latest 64 counters have been used. Pure; twelve bytes to keep."""

from typing import Final, NamedTuple

SPAN: Final = 64
_MASK: Final = (1 << SPAN) - 1


class Window(NamedTuple):
    """`highest` is the highest counter used, -1 for none; bit n of `used` stands for `highest` - n."""

    highest: int = -1
    used: int = 0

    def is_behind(self, counter: int) -> bool:
        """Whether the counter is so old that nobody remembers whether it was used."""
        return counter <= self.highest - SPAN

    def is_used(self, counter: int) -> bool:
        """Whether the counter was used, as far as the window reaches."""
        back = self.highest - counter
        return 0 <= back < SPAN and bool(self.used >> back & 1)

    def after(self, counter: int) -> "Window":
        """The window once this counter, neither used nor behind, has been used."""
        ahead = counter - self.highest
        if ahead > 0:
            return Window(counter, (self.used << min(ahead, SPAN) | 1) & _MASK)
        return Window(self.highest, self.used | 1 << -ahead)
