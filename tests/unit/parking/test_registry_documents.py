"""A registry has one settled document, and that is a registry file."""

from hypothesis import given, settings

from parking.registry import Registry, parse_registry
from parking.registry_documents import registry_document
from tests.support.registries import registries


@settings(deadline=None)
@given(registry=registries())
def test_a_settled_document_is_settled(registry: Registry) -> None:
    document = registry_document(registry)
    assert registry_document(parse_registry(document, source="itself")) == document
