"""What signs show and whether they still ask, for a monitoring system."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.live import LiveView
from api.polls import PollBook
from api.signs import SignBoard
from parking.signs import BLANK, Why


class SignMetrics(Collector):
    """Gauges over all signs; nothing is told of them before the first load."""

    def __init__(self, view: LiveView, board: SignBoard, polls: PollBook) -> None:
        self._view = view
        self._board = board
        self._polls = polls

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As they are now; which are silent, as of some seconds ago."""
        now = self._view.clock.now()
        shown = [self._board.message(sign, now) for sign in self._view.signs]
        reasons = Counter(message.why for message in shown)
        signs = GaugeMetricFamily(
            "parking_api_signs",
            "Signs by why they show what they show: stale, override, full, ... (docs/signs.md).",
            labels=("why",),
        )
        for why in Why:
            signs.add_metric((why.value,), reasons[why])
        yield signs
        blank = sum(message.text == BLANK for message in shown)
        yield GaugeMetricFamily(
            "parking_api_blank_signs", "Signs that show nothing, for whatever reason.", value=blank
        )
        silent = float("nan") if self._polls.silent is None else self._polls.silent
        yield GaugeMetricFamily(
            "parking_api_silent_signs",
            "Signs that have asked over HTTP and no longer do: those on the maintenance list.",
            value=silent,
        )
