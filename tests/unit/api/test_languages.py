"""Every sentence of the pages is in every language, and takes the same values there."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from api.pages.language import load_languages
from tests.support.services import PROJECT

LOCALE = PROJECT / "web" / "locale"
OTHERS = sorted(path.stem for path in LOCALE.glob("*.po"))
VALUE = re.compile(r"%\((\w+)\)[sd]")


def sentences() -> set[str | tuple[str, ...]]:
    """What the pages say, as `make messages` finds it."""
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "text": (1,), "texts": (1, 2)}
    return {
        tuple(message) if isinstance(message, tuple | list) else message
        for folder, pattern, method in (
            ("api/pages", "**.py", "python"),
            ("web/templates", "**.html", "jinja2"),
        )
        for _, _, message, _, _ in extract_from_dir(
            PROJECT / folder, [(pattern, method)], {pattern: {"trimmed": "true"}}, keywords
        )
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
    assert missing == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_takes_the_values_of_its_sentence(code: str) -> None:
    wrong = []
    for message in catalogue(code):
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        values = set().union(*(VALUE.findall(text) for text in ids))
        wrong += [text for text in strings if text and not set(VALUE.findall(text)) <= values]
    assert wrong == []
