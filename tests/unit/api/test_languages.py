"""Every sentence of the pages is in every language, and takes the same values there."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from api.pages.language import load_languages
from tests.support.services import PROJECT

LOCALE = PROJECT / "web" / "locale"
OTHERS = sorted(path.stem for path in LOCALE.glob("*.po"))
VALUE = re.compile(r"%\((\w+)\)[sd]")


def sentences() -> set[str | tuple[str, ...]]:
    """What the pages say that are not for staff, as deploy/messages.sh finds it."""
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "text": (1,), "texts": (1, 2)}
    options = {"trimmed": "true", "extensions": "jinja2.ext.do"}
    files = [("python", path) for path in (PROJECT / "api" / "pages").glob("*.py")]
    files += [("jinja2", path) for path in (PROJECT / "web" / "templates").glob("*.html")]
    return {
        tuple(message) if isinstance(message, tuple | list) else message
        for method, path in files
        for _, message, _, _ in extract_from_file(method, path, keywords=keywords, options=options)
    }


def catalogue(code: str) -> Catalog:
    """The file of a language."""
    with (LOCALE / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def test_there_is_english_and_welsh() -> None:
    assert [language.code for language in load_languages()] == ["en", "cy"]


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_translated(code: str) -> None:
    known = catalogue(code)
    assert len(sentences()) > 100
    missing = []
    for sentence in sentences():
        message = known.get(sentence)
        said = (
            ()
            if message is None
            else (message.string,)
            if isinstance(message.string, str)
            else message.string
        )
        if not said or not all(said):
            missing.append(sentence)
    assert missing == [], f"run deploy/messages.sh and translate these in web/locale/{code}.po"


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_takes_the_values_of_its_sentence(code: str) -> None:
    wrong = []
    for message in catalogue(code):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
        values = set().union(*(VALUE.findall(text) for text in ids))
        for text in strings:
            # A form for one certain number may do without saying it.
            said = set(VALUE.findall(text))
            if not (values - {"num"} <= said <= values):
                wrong.append(text)
    assert wrong == []
