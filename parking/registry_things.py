"""One thing of the registry alone, as it is read and written over HTTP, by the models of the file."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError

from parking.errors import Fault, RegistryError
from parking.registry import Bay, Gate, Sensor, Site, faults_of
from parking.registry_documents import (
    Document,
    bay_document,
    gate_document,
    sensor_document,
    sign_document,
    site_document,
)
from parking.registry_parts import Name
from parking.registry_signs import Sign

PARTS: Final = ("bays", "gates", "signs")
"""What a site has, in its document."""


class BayRecord(Bay):
    """One marked space and the site that it belongs to."""

    site: Name


class GateRecord(Gate):
    """A camera over one lane and the site whose vehicles it counts."""

    site: Name


class SignRecord(Sign):
    """A variable message sign; `site` is the one that it is listed under, `sites` those of which it tells."""

    site: Name


class DeviceRecord(Sensor):
    """A sensor and the bay that it watches; none while it is in the store room."""

    bay: Name | None = Field(None, description="null: it is in the store room")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing: what one is called, its model, and the member with its id."""

    name: str
    one: str
    model: type[BaseModel]
    id: str = "id"

    def checked(self, document: Any, *, of: Document | None = None) -> Document:
        """The document in its settled form; `of`: the site, as it is now, with what it has.

        Raises RegistryError, with the members of the document as fields.
        """
        if not isinstance(document, dict):
            raise refused(self.one, Fault("body", None, "must be a JSON object"))
        whole = document if self.model is not Site else {**document, **_parts(self, document, of)}
        try:
            return self.settled(self.model.model_validate(whole))
        except ValidationError as error:
            raise refused(self.one, *faults_of({}, error)) from error

    def settled(self, model: BaseModel) -> Document:
        """The document of a model of this kind."""
        match model:
            case Site():
                return {key: value for key, value in site_document(model).items() if key not in PARTS}
            case BayRecord():
                bay = Bay(**{name: getattr(model, name) for name in Bay.model_fields})
                return {**bay_document(bay), "site": model.site}
            case GateRecord():
                return gate_document(model)
            case SignRecord():
                return {**sign_document(model, listed_under=model.site), "site": model.site}
            case DeviceRecord():
                return {**sensor_document(model.id, model.codec, model.heartbeat_s), "bay": model.bay}
        raise TypeError(f"{type(model).__name__} is no model of a thing")

    def told(self, document: Document) -> Document:
        """What is told of a thing: all that can be written. Of a device the bay says the site."""
        if self.name != "devices":
            return document
        return {key: value for key, value in document.items() if key != "site"}

    def schema(self, template: str) -> tuple[Document, Document]:
        """The JSON Schema of one, and the definitions that it refers to by `template`."""
        schema = self.model.model_json_schema(ref_template=template)
        definitions = schema.pop("$defs", {})
        if self.model is Site:
            for part, name in zip(PARTS, ("Bay", "Gate", "Sign"), strict=True):
                del schema["properties"][part]
                definitions.pop(name, None)
        return schema, definitions


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("sites", "site", Site),
        Kind("bays", "bay", BayRecord),
        Kind("devices", "device", DeviceRecord),
        Kind("gates", "gate", GateRecord, id="camera"),
        Kind("signs", "sign", SignRecord),
    )
}


def refused(what: str, *faults: Fault) -> RegistryError:
    """The error that says why a thing was not changed."""
    named = ", ".join(fault.field for fault in faults[:10])
    return RegistryError(f"This {what} cannot be so: {named}. Nothing was changed.", faults=faults)


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396) applied to a document; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _parts(kind: Kind, document: Document, of: Document | None) -> Document:
    """What the site has now: its own members alone are written here."""
    for part in PARTS:
        if part in document:
            raise refused(kind.one, Fault(part, None, f"each has an address of its own: /v1/registry/{part}"))
    return {part: (of or {}).get(part, []) for part in PARTS}
