"""The pages as a whole: each path in each language, rendered by the templates of `web`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Undefined,
)
from jinja2.utils import missing
from markupsafe import Markup, escape
from starlette.responses import Response
from starlette.routing import Route

from api.pages.assets import manifest
from api.pages.language import Language, load_languages
from api.prepared import Prepared, prepared
from parking.db.live import Location
from parking.errors import ParkingError


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who runs the pages, and what they link to: `navigation_url` holds {lat} and {lon}."""

    publisher: str
    contact: str
    navigation_url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page in one language, about to be rendered. `path` is where it is in English."""

    language: Language
    path: str
    about: About
    environment: Environment = field(repr=False)

    def render(self, template: str, **context: Any) -> str:
        """The page as HTML. The template also sees `page`, `lang` and `url(path)`."""
        return self.environment.get_template(template).render(
            page=self, lang=self.language.code, url=self.language.path, about=self.about, **context
        )

    def navigation(self, location: Location) -> str:
        """A link that opens the way to a place in the navigation app of whoever follows it."""
        lon, lat = location
        return self.about.navigation_url.format(lat=f"{lat:.6f}", lon=f"{lon:.6f}")

    def text(self, message: str, **values: Any) -> str:
        """A sentence in the page's language; `%(name)s` in it stands for a value."""
        translated = self.language.translations.gettext(message)
        return translated % values if values else translated

    def texts(self, one: str, many: str, number: int, **values: Any) -> str:
        """A sentence that depends on a number, which `%(num)d` stands for."""
        translated = self.language.translations.ngettext(one, many, number)
        return translated % {"num": number, **values}


Handler = Callable[[Request, Page], Awaitable[Response]]
Failed = Callable[[Request, Page, ParkingError], Response | None]
"""Makes a page of an error; None for one that is told otherwise."""


class Pages:
    """Adds pages to the application."""

    def __init__(self, app: FastAPI, about: About, failed: Failed) -> None:
        self._app = app
        self._about = about
        self._failed = failed
        self.languages = load_languages()
        built = manifest()
        self._environments = {
            language.code: _environment(language, self.languages, built) for language in self.languages
        }

    def add(
        self, path: str, handler: Handler, *, methods: tuple[str, ...] = ("GET",), translated: bool = True
    ) -> None:
        """Answer at `path`, and, if `translated`, at the same path in every other language.

        Parameters in the path are as in Starlette.
        """
        for language in self.languages if translated else self.languages[:1]:
            self._app.router.routes.append(
                Route(language.path(path), self._endpoint(handler, language), methods=methods)
            )

    def page(self, language: Language, path: str) -> Page:
        """A page that is rendered without a request."""
        return Page(language, path, self._about, self._environments[language.code])

    def _endpoint(self, handler: Handler, language: Language) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            path = request.url.path.removeprefix(language.prefix) or "/"
            page = self.page(language, path)
            try:
                return await handler(request, page)
            except ParkingError as error:
                response = self._failed(request, page, error)
                if response is None:
                    raise
                return response

        return endpoint


def code(text: str) -> Markup:
    """HTML of a text in which `backticks` mark code."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


class _Missing(Undefined):
    """A missing value is an error, but for the options of the design system's macros, which come as dicts."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, *rest: Any, **more: Any) -> Any:
        kind = ChainableUndefined if hint is not None or isinstance(obj, dict) else StrictUndefined
        return kind(hint, obj, *rest, **more)


def html(page: str, fresh_until: datetime | None = None) -> Prepared:
    """A page as a prepared answer, which clients must ask about each time."""
    return prepared(page.encode(), fresh_until, media_type="text/html; charset=utf-8", cache="no-cache")


def _environment(language: Language, languages: list[Language], built: Mapping[str, str]) -> Environment:
    """Templates in one language; what they are given is escaped, and a missing value is an error."""
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("web"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        autoescape=True,
        undefined=_Missing,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["code"] = code
    environment.globals.update(languages=languages, asset=built.__getitem__)
    # Names that the macros have from the language that they were translated from.
    environment.globals.update(undefined=ChainableUndefined(), null=None)
    return environment
