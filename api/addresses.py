"""From whom a request comes: the peer, or whom a trusted proxy names."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Network = IPv4Network | IPv6Network
_FORWARDED_FOR = b"x-forwarded-for"
_MOST_PROXIES = 20
_CACHED = 32_768
_USUAL = 100
"""Characters of a list of proxies; longer ones are read each time, so that they fill no memory."""


class Addresses:
    """Tells clients apart, by IPv4 address or by the /64 of an IPv6 address, which is one customer's."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._is_proxy = lru_cache(maxsize=1024)(self._is_trusted)
        self._of_peer = lru_cache(maxsize=_CACHED)(self._bucket_unless_proxy)
        self._of_usual = lru_cache(maxsize=_CACHED)(self._behind)

    def of(self, scope: Scope) -> str:
        """The client of a request; empty where the server does not tell (a socket of this machine)."""
        # Each request comes through here: what is found once is remembered.
        client = scope.get("client")
        peer: str = client[0] if client else ""
        found = self._of_peer(peer)
        if found is not None:
            return found
        forwarded = b",".join([value for name, value in scope["headers"] if name == _FORWARDED_FOR])
        if not forwarded:
            return bucket(peer)
        return (self._of_usual if len(forwarded) <= _USUAL else self._behind)(peer, forwarded)

    def is_https(self, scope: Scope) -> bool:
        """Whether the client came over HTTPS: to us, or to a trusted proxy that says so."""
        if scope["scheme"] == "https":
            return True
        peer: str = scope["client"][0] if scope.get("client") else ""
        said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        return self._is_proxy(peer) and said[-1:] == [b"https"]

    def is_unknown_proxy(self, scope: Scope) -> bool:
        """Whether the peer names a client, but is not trusted to."""
        peer: str = scope["client"][0] if scope.get("client") else ""
        return not self._is_proxy(peer) and any(name == _FORWARDED_FOR for name, _ in scope["headers"])

    def _bucket_unless_proxy(self, peer: str) -> str | None:
        return None if self._is_trusted(peer) else bucket(peer)

    def _behind(self, peer: str, forwarded: bytes) -> str:
        """From the right, the first that is none of our proxies: what stands left of it anyone can write."""
        client = peer
        for item in reversed(forwarded.split(b",")[-_MOST_PROXIES:]):
            address = _address(item.decode("latin-1").strip())
            if address is None:
                break
            client = str(address)
            if not self._is_proxy(client):
                break
        return bucket(client)

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=_CACHED)
def bucket(text: str) -> str:
    """The name under which an address is counted."""
    address = _address(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address) if address is not None else text[:64]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; one of IPv4 that is written as IPv6 is one of IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
