"""Puts the pages of staff into the application."""

from api.access import Access
from api.issuer_keys import IssuerKeys
from api.limits import Limits
from api.pages.site import Pages
from api.pages.staff.desk import Desk
from api.pages.staff.provider import Provider
from api.pages.staff.sign_in import add_sign_in
from api.sessions import Sessions
from parking.db.pool import Pool
from parking.settings import Settings


def install_staff(
    pages: Pages, settings: Settings, *, access: Access, limits: Limits, database: Pool
) -> Desk:
    """Add signing in; what it returns adds pages for those who have."""
    sessions = Sessions(database, limits.addresses)
    login = settings.oidc_login
    provider = None if login is None else Provider(login, IssuerKeys(login.oidc.issuer))
    desk = Desk(pages, sessions)
    add_sign_in(pages, desk, access=access, sessions=sessions, provider=provider)
    return desk
