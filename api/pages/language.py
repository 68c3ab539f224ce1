"""The languages of the pages. English is in the templates; every other one is a file in web/locale."""

from dataclasses import dataclass
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code, its own name, and what the paths of its pages begin with."""

    code: str
    name: str
    prefix: str
    locale: Locale
    translations: NullTranslations

    def path(self, path: str) -> str:
        """Where the page is in this language; `path` as in English."""
        return f"{self.prefix}{path}"


def load_languages() -> list[Language]:
    """English first, then each language that web/locale has a file for."""
    catalogues = sorted(
        (entry for entry in files("web").joinpath("locale").iterdir() if entry.name.endswith(".po")),
        key=lambda entry: entry.name,
    )
    english = Locale(ENGLISH, "GB")
    found = [Language(ENGLISH, "English", "", english, NullTranslations())]
    for entry in catalogues:
        code = entry.name.removesuffix(".po")
        locale = Locale(code)
        translations = _compiled(entry.read_bytes(), code)
        found.append(
            Language(
                code, (locale.get_language_name() or code).capitalize(), f"/{code}", locale, translations
            )
        )
    return found


def _compiled(catalogue: bytes, code: str) -> Translations:
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(catalogue), locale=code))
    compiled.seek(0)
    return Translations(compiled)
