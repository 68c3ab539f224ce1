"""What the API is made of: the live view, what keeps it fresh, and what reads the database for the routes."""

from dataclasses import dataclass

from api.access import Access
from api.assistants.endpoint import Assistants
from api.clock import DatabaseClock
from api.database import open_writes
from api.events import EventLog
from api.feed import Announcer, Feed
from api.forecast_metrics import ForecastMetrics
from api.forecasts import ForecastReader
from api.issuer_keys import IssuerKeys
from api.limits import Limits
from api.live import LiveView
from api.maintenance import MaintenanceReader
from api.metrics import Metrics
from api.nearby import Nearby
from api.oidc import Tokens
from api.opendata.aggregates import Aggregates
from api.opendata.city import Publisher
from api.opendata.history import History
from api.opendata.store import OpenData
from api.place_names import PlaceNames
from api.polls import PollBook
from api.prepared import Answers
from api.reports import Reports
from api.sign_metrics import SignMetrics
from api.webhooks.post import Poster
from api.webhooks.sender import Sender
from parking.arrivals import ForecastChances
from parking.chance import TurnoverChances
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.gazetteer import load_places
from parking.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is made of; `app.state.parts`, for the server and for tests."""

    view: LiveView
    answers: Answers
    log: EventLog
    announcer: Announcer
    feed: Feed
    metrics: Metrics
    writes: Pool
    keys: KeyRing
    limits: Limits
    access: Access
    polls: PollBook
    webhooks: Sender
    forecasts: ForecastReader
    nearby: Nearby
    names: PlaceNames
    assistants: Assistants
    open_data: OpenData
    history: History
    aggregates: Aggregates
    reports: Reports
    maintenance: MaintenanceReader


def make_parts(settings: Settings) -> Parts:
    """The parts, none of them running; the database may be down. Raises SettingsError."""
    url = settings.require_database_url()
    view = LiveView(
        clock=DatabaseClock(), stale_after_s=settings.stale_after_s, withheld=settings.withheld_categories
    )
    answers = Answers(view, settings.sign_defaults)
    log = EventLog()
    announcer = Announcer(view, answers, log)
    feed = Feed(url, view, announcer)
    writes = open_writes(url)
    metrics = Metrics(view, feed.status, log)
    keys = KeyRing(writes, view.clock)
    limits = Limits(settings)
    forecasts = ForecastReader(writes, view.clock)
    metrics.registry.register(ForecastMetrics(forecasts, view.clock))
    nearby = Nearby(view, ForecastChances(forecasts, TurnoverChances()))
    polls = PollBook(writes)
    metrics.registry.register(SignMetrics(view, answers.board, polls))
    names = PlaceNames(view, load_places(settings.places_file) if settings.places_file else [])
    return Parts(
        view=view,
        answers=answers,
        log=log,
        announcer=announcer,
        feed=feed,
        metrics=metrics,
        writes=writes,
        keys=keys,
        limits=limits,
        access=Access(keys, limits=limits, metrics=metrics, tokens=_tokens(settings)),
        polls=polls,
        webhooks=Sender(url, view, writes, Poster(settings.webhook_networks)),
        forecasts=forecasts,
        nearby=nearby,
        names=names,
        assistants=Assistants(view, nearby, names),
        open_data=OpenData(view, _publisher(settings), forecasts=forecasts),
        history=History(url, view.clock),
        aggregates=Aggregates(url, view.clock),
        reports=Reports(url),
        maintenance=MaintenanceReader(url),
    )


def _publisher(settings: Settings) -> Publisher:
    return Publisher(
        name=settings.publisher,
        licence_url=settings.licence_url,
        licence=settings.licence,
        url=settings.public_url,
    )


def _tokens(settings: Settings) -> Tokens | None:
    oidc = settings.oidc
    return None if oidc is None else Tokens(oidc, IssuerKeys(oidc.issuer))
