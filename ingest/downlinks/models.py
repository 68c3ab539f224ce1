"""The one table of models that can be told something, and the search in it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ingest.downlinks import dingtek, netvox, tekzitel
from ingest.downlinks.base import Model
from parking.devices import DEVICE_TYPES
from parking.errors import DownlinkError

MODELS: Final[Mapping[str, Model]] = MappingProxyType(
    {model.name: model for model in (*dingtek.MODELS, *netvox.MODELS, *tekzitel.MODELS)}
)


def find_model(name: str) -> Model:
    """The model of this name; raises DownlinkError that says which there are."""
    if name in MODELS:
        return MODELS[name]
    same = [model.name for model in MODELS.values() if model.codec == name]
    if same:
        raise DownlinkError(f"{name} reads several models", hint=f"Name one: {', '.join(same)}.")
    known = f"There are downlinks of {', '.join(MODELS)}."
    if name in DEVICE_TYPES:
        raise DownlinkError(f"We know no downlink of {name}", hint=known)
    raise DownlinkError(f"{name!a} is no model that we know", hint=known)
