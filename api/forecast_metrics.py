"""How good the forecasts were of late, for a monitoring system."""

from collections.abc import Iterator
from itertools import chain

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.clock import DatabaseClock
from api.forecasts import ForecastReader
from parking.forecast.trust import DAYS, together


class ForecastMetrics(Collector):
    """Gauges over all sites, by minutes ahead where they depend on it."""

    def __init__(self, forecasts: ForecastReader, clock: DatabaseClock) -> None:
        self._forecasts = forecasts
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As they are now."""
        made_at = self._forecasts.made_at
        age = float("nan") if made_at is None else (self._clock.now() - made_at).total_seconds()
        yield GaugeMetricFamily(
            "parking_api_forecast_age_seconds", "How long ago the latest forecast was made.", value=age
        )
        yield GaugeMetricFamily(
            "parking_api_forecast_distrusted_sites",
            "Sites whose plain count was better than their forecast of late, and is shown instead.",
            value=self._forecasts.distrusted,
        )
        yield from self._scores()

    def _scores(self) -> Iterator[GaugeMetricFamily]:
        days = f"of the last {DAYS} days"
        families = {
            "error": _family("mae_percent", f"Mean absolute error in percent of the capacity, {days}."),
            "plain_error": _family("plain_mae_percent", f"The same of saying as many as now, {days}."),
            "coverage": _family("coverage_ratio", f"Share of truths within the 80 % interval, {days}."),
            "brier": _family("brier_ratio", f"Brier score of at least one space being free, {days}."),
            "n": _family("scored", f"Forecasts whose time has come, {days}."),
        }
        for record in together(chain.from_iterable(self._forecasts.records.values())):
            for name, family in families.items():
                family.add_metric((str(record.horizon_min),), getattr(record, name))
        yield from families.values()


def _family(name: str, says: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"parking_api_forecast_{name}", says, labels=("minutes_ahead",))
