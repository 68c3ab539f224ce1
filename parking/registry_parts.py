"""What the parts of a registry file have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An id: it travels in MQTT topics and URLs."""


def printable(text: str) -> str:
    """The text itself. Raises ValueError."""
    if not all(character.isprintable() for character in text):
        raise ValueError("must not hold line breaks or other characters that cannot be printed")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
"""A name for people."""


class Strict(BaseModel):
    """An object of the file: a member that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Location(Strict):
    """A point, WGS 84 degrees."""

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
