"""A sign in the registry file: of which sites it tells, and how it decides. All but its id is optional."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from parking.opening import MAX_LENGTH, opening_hours
from parking.registry_parts import Location, Name, Strict, Text, printable
from parking.sign_rules import Layout, Mode, Show, SignRules, Thresholds, rules_of


def _word(text: str) -> str:
    if any(character.isnumeric() for character in text):
        raise ValueError("must hold no digit: only a number that is known to be true is shown as one")
    return text


Word = Annotated[str, Field(max_length=40), AfterValidator(printable), AfterValidator(_word)]
"""A text of a sign that is no number; empty is blank."""
Label = Annotated[str, Field(max_length=40), AfterValidator(printable)]
Spaces = Annotated[int, Field(ge=0, le=1_000_000)]


class SignThresholds(Strict):
    """Free spaces at which a sign changes while occupancy increases or decreases; the full ones are less."""

    full_increasing: Spaces = 0
    full_decreasing: Spaces | None = Field(None, description="full_increasing unless given")
    almost_full_increasing: Spaces | None = None
    almost_full_decreasing: Spaces | None = Field(
        None, description="almost_full_increasing unless given; the less, the less it flaps"
    )

    def complete(self) -> Thresholds:
        """With what is not given as the one beside it."""
        full, almost = self.full_decreasing, self.almost_full_decreasing
        return Thresholds(
            full_increasing=self.full_increasing,
            full_decreasing=self.full_increasing if full is None else full,
            almost_full_increasing=self.almost_full_increasing,
            almost_full_decreasing=self.almost_full_increasing if almost is None else almost,
        )


class SignTexts(Strict):
    """The words of a sign. `unknown` is for when no number is known to be true: blank unless given."""

    spaces: Word = "SPACES"
    almost_full: Word = "ALMOST FULL"
    full: Word = "FULL"
    closed: Word = "CLOSED"
    test: Word = "TEST"
    unknown: Word = ""


class SignHours(Strict):
    """While these hours hold (in the syntax of OpenStreetMap), the sign shows `text`, blank unless given."""

    hours: str = Field(min_length=1, max_length=MAX_LENGTH)
    text: Word = ""

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> "SignHours":
        opening_hours(self.hours, "UTC")
        return self


class Sign(Strict):
    """A variable message sign and the sites of which it tells; by default the site it is listed under."""

    id: Name
    sites: tuple[Name, ...] = Field((), max_length=100)
    name: Text | None = None
    location: Location | None = None
    mode: Mode = Field(Mode.AUTO, description="auto is by the numbers; all others whatever they are")
    show: Show = Field(Show.NUMBER, description="number_when_few: a number when almost full, else a word")
    layout: Layout = Field(Layout.SUM, description="of several sites: one line for all, or a line for each")
    labels: dict[Name, Label] = Field({}, max_length=100, description="what stands before a site's line")
    min: int = Field(1, ge=1, le=1_000_000, description="the least number; with fewer it is full")
    max: int | None = Field(None, ge=1, le=1_000_000, description="the greatest number; more shows as this")
    offset: int = Field(0, ge=-1_000_000, le=1_000_000, description="added to the free spaces first")
    round_to: int = Field(1, ge=1, le=1000, description="numbers are rounded down to a multiple of it")
    round_from: Spaces = Field(0, description="from so many on; fewer are told exactly")
    thresholds: SignThresholds = SignThresholds()
    min_change_s: int = Field(0, ge=0, le=300, description="a number or word stays at least so long")
    texts: SignTexts = SignTexts()
    permitted: tuple[Word, ...] | None = Field(
        None, max_length=100, description="the only words that it can show; its own texts unless given"
    )
    trust: float | None = Field(None, ge=0, le=1, description="least share of reporting spaces for a number")
    schedule: tuple[SignHours, ...] = Field((), max_length=20, description="the first that holds counts")
    valid_s: int | None = Field(None, ge=5, le=3600, description="how long it may show one answer")
    poll_s: int | None = Field(None, ge=1, le=3600, description="when it should ask again")
    multi: str = Field(
        "[jp3][jl3]",
        max_length=100,
        pattern=r"^(\[[a-z]{2,4}[0-9,]*\])*$",
        description="tags before its text in MULTI (NTCIP 1203): by default centred both ways",
    )

    @model_validator(mode="after")
    def _settings_fit(self) -> "Sign":
        if (fault := self.thresholds.complete().fault()) is not None:
            raise ValueError(f"thresholds: {fault}")
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max {self.max} is less than min {self.min}")
        if self.poll_s is not None and self.valid_s is not None and self.poll_s >= self.valid_s:
            raise ValueError(f"poll_s {self.poll_s} must be less than valid_s {self.valid_s}")
        if self.show is Show.NUMBER_WHEN_FEW and self.thresholds.almost_full_increasing is None:
            raise ValueError("show number_when_few needs thresholds.almost_full_increasing")
        if self.permitted is not None:
            self._only_permitted(self.permitted)
        return self

    def _only_permitted(self, permitted: tuple[str, ...]) -> None:
        used = {f"texts.{name}": text for name, text in self.texts.model_dump().items()}
        used |= {f"schedule[{number}].text": hours.text for number, hours in enumerate(self.schedule)}
        unused = {"texts.almost_full"} if self.thresholds.almost_full_increasing is None else set()
        unused |= {"texts.spaces"} if self.show is Show.NUMBER else set()
        for place, text in used.items():
            if text and text not in permitted and place not in unused:
                raise ValueError(f"{place} {text!r} is not permitted; permitted are {', '.join(permitted)}")

    def settings(self) -> dict[str, Any]:
        """What the database keeps of it, in the words of `parking.sign_rules`: what is not as usual."""
        given = self.model_dump(mode="json", exclude={"id", "sites", "thresholds"}, exclude_defaults=True)
        renamed = {{"min": "least", "max": "most"}.get(name, name): value for name, value in given.items()}
        if (at := self.thresholds.complete()) != SignThresholds().complete():
            renamed["thresholds"] = {name: getattr(at, name) for name in Thresholds.__slots__}
        return {name: value for name, value in renamed.items() if value is not None}

    @classmethod
    def kept(cls, id: str, sites: list[str], settings: Mapping[str, Any]) -> "Sign":
        """The sign of which the database keeps these settings. Raises ValidationError."""
        given = {{"least": "min", "most": "max"}.get(name, name): value for name, value in settings.items()}
        return cls.model_validate({"id": id, "sites": sites, **given})

    def rules(self, defaults: SignRules, *, timezone: str) -> SignRules:
        """Its rules, where it says nothing those of `defaults`."""
        return rules_of(self.settings(), defaults, timezone=timezone)
