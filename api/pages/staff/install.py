"""Puts the pages of staff into the application."""

from api.access import Access
from api.feed import FeedStatus
from api.issuer_keys import IssuerKeys
from api.limits import Limits
from api.live import LiveView
from api.maintenance import MaintenanceReader
from api.pages.site import Pages
from api.pages.staff.audit import add_audit
from api.pages.staff.closures import add_closures
from api.pages.staff.counts import add_counts
from api.pages.staff.desk import Desk
from api.pages.staff.keys import add_keys
from api.pages.staff.maintenance import add_maintenance
from api.pages.staff.month import add_month
from api.pages.staff.overrides import add_overrides
from api.pages.staff.provider import Provider
from api.pages.staff.registry.install import add_registry
from api.pages.staff.sign_in import add_sign_in
from api.pages.staff.stays import add_stays
from api.pages.staff.system import add_system
from api.pages.staff.today import add_today
from api.pages.staff.use import add_use
from api.prepared import Answers
from api.reports import Reports
from api.sessions import Sessions
from parking.db.key_ring import KeyRing
from parking.db.pool import Pool
from parking.settings import Settings


def install_staff(
    pages: Pages,
    settings: Settings,
    *,
    access: Access,
    limits: Limits,
    database: Pool,
    view: LiveView,
    answers: Answers,
    reports: Reports,
    maintenance: MaintenanceReader,
    keys: KeyRing,
    status: FeedStatus,
) -> Desk:
    """Add signing in and the pages of managers; what it returns adds more for those who have signed in."""
    sessions = Sessions(database, limits.addresses, public_url=settings.public_url)
    login = settings.oidc_login
    provider = None if login is None else Provider(login, IssuerKeys(login.oidc.issuer))
    desk = Desk(pages, sessions)
    add_sign_in(pages, desk, access=access, sessions=sessions, provider=provider)
    add_today(desk, view, database, maintenance)
    add_use(desk, view, reports)
    add_month(desk, reports)
    add_stays(desk, view, reports)
    add_counts(desk, view, database)
    add_overrides(desk, view, answers, database)
    add_closures(desk, view, answers, database)
    add_maintenance(desk, view, maintenance, database)
    add_registry(desk, database, settings.require_database_url())
    add_keys(desk, database, keys)
    add_audit(desk, database)
    add_system(desk, view, status, database)
    return desk
