"""Signs in the registry file: old files work, new settings are checked and reach the engine."""

from typing import Any

import pytest

from parking.errors import RegistryError
from parking.registry import parse_registry
from parking.registry_signs import Sign
from parking.sign_rules import Layout, Show, SignRules, rules_of

DEFAULTS = SignRules(trust=0.8, valid_s=90, poll_s=15)


def problem(**settings: Any) -> str:
    """What is wrong with a sign of these settings."""
    site = {
        "id": "a",
        "name": "A",
        "kind": "on_street",
        "counting": "bays",
        "signs": [{"id": "v", **settings}],
    }
    with pytest.raises(RegistryError) as refused:
        parse_registry({"sites": [site]}, source="file")
    (said,) = refused.value.problems
    return said


def test_a_sign_of_an_old_file_is_kept_as_it_was_and_decides_by_the_defaults() -> None:
    sign = Sign.model_validate({"id": "vms-12", "sites": ["a"], "name": "High Street"})
    assert sign.settings() == {"name": "High Street"}
    assert sign.rules(DEFAULTS, timezone="UTC") == DEFAULTS


def test_all_that_a_sign_says_reaches_its_rules() -> None:
    sign = Sign.model_validate(
        {
            "id": "vms-12",
            "show": "number_when_few",
            "layout": "each",
            "labels": {"a": "NORTH"},
            "min": 2,
            "max": 99,
            "offset": -3,
            "round_to": 5,
            "round_from": 20,
            "thresholds": {"full_increasing": 3, "full_decreasing": 6, "almost_full_increasing": 20},
            "min_change_s": 60,
            "texts": {"full": "LLAWN"},
            "trust": 0.5,
            "schedule": [{"hours": "22:00-06:00"}],
            "poll_s": 30,
            "multi": "[fo2]",
        }
    )
    rules = rules_of(sign.settings(), DEFAULTS, timezone="Europe/London")
    assert (rules.show, rules.layout, rules.labels) == (Show.NUMBER_WHEN_FEW, Layout.EACH, {"a": "NORTH"})
    assert (rules.least, rules.most, rules.offset, rules.round_to, rules.round_from) == (2, 99, -3, 5, 20)
    assert (rules.thresholds.full_decreasing, rules.thresholds.almost_full_decreasing) == (6, 20)
    assert (rules.min_change_s, rules.trust, rules.poll_s, rules.valid_s) == (60, 0.5, 30, 90)
    assert (rules.texts.full, rules.texts.closed) == ("LLAWN", "CLOSED")
    assert (rules.schedule[0].hours, rules.multi, rules.timezone) == ("22:00-06:00", "[fo2]", "Europe/London")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"texts": {"full": "0 FREE"}}, "must hold no digit"),
        ({"permitted": ["FULL 2"]}, "must hold no digit"),
        ({"schedule": [{"hours": "22:00-06:00", "text": "99"}]}, "must hold no digit"),
        ({"schedule": [{"hours": "at night"}]}, "not opening hours in the syntax of OpenStreetMap"),
        ({"thresholds": {"full_increasing": 5, "full_decreasing": 2}}, "must be full_increasing <= "),
        (
            {"thresholds": {"full_increasing": 5, "almost_full_increasing": 5}},
            "must be full_increasing <= full_decreasing < almost_full_increasing",
        ),
        ({"thresholds": {"almost_full_decreasing": 5}}, "go together"),
        ({"min": 10, "max": 5}, "max 5 is less than min 10"),
        ({"poll_s": 60, "valid_s": 60}, "poll_s 60 must be less than valid_s 60"),
        ({"show": "number_when_few"}, "needs thresholds.almost_full_increasing"),
        ({"permitted": ["OPEN"]}, "texts.full 'FULL' is not permitted; permitted are OPEN"),
        ({"multi": "[jp3] hello"}, "String should match pattern"),
        ({"min_change_s": 3600}, "less than or equal to 300"),
        ({"mode": "party"}, "'auto', 'blank', 'full', 'closed' or 'test'"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_rule(settings: dict[str, Any], said: str) -> None:
    told = problem(**settings)
    assert said in told
    assert told.startswith("sites[0].signs[0]")


def test_words_that_a_sign_never_shows_need_not_be_permitted() -> None:
    sign = Sign.model_validate({"id": "v", "permitted": ["FULL", "CLOSED", "TEST"]})
    assert sign.rules(DEFAULTS, timezone="UTC").words() == ("", "FULL", "CLOSED", "TEST")


@pytest.mark.parametrize(
    "stored",
    [{"mode": "party"}, {"least": "many"}, {"thresholds": 5}, {"schedule": [{"hours": "at night"}]}],
)
def test_a_sign_whose_settings_cannot_be_read_is_blank(stored: dict[str, Any]) -> None:
    rules = rules_of({"name": "A", "most": 5, **stored}, DEFAULTS, timezone="Europe/London")
    assert (rules.mode, rules.poll_s) == ("blank", DEFAULTS.poll_s)
