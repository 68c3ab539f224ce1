"""Where messages may go: never to a private address, unless its network is named in the settings."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from parking.settings import Network

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


class Refused(httpcore.ConnectError):
    """The address is one that no message may go to."""


def may_go_to(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether a message may go there: to public addresses, and to those of networks that are allowed."""
    inner = _inner(address)
    if any(address in network for network in allowed) or any(inner in network for network in allowed):
        return True
    return all(one.is_global and not one.is_multicast for one in (address, inner))


def is_named(host: str, allowed: Sequence[Network]) -> bool:
    """Whether the host is an address of a network that is allowed: only there plain HTTP will do."""
    try:
        return any(ip_address(host.strip("[]")) in network for network in allowed)
    except ValueError:
        return False


class GuardedBackend(AsyncNetworkBackend):
    """Connects for httpcore, to addresses that were looked at: what a name means is asked once, here.

    So a name that means a public address when it is checked cannot mean a private one when it is used.
    """

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers. Raises Refused if one is not allowed."""
        addresses = await resolve(host, port)
        for address in addresses:
            if not may_go_to(address, self._allowed):
                raise Refused(
                    f"{host} is at {address}, which is not a public address; networks of your own are"
                    " allowed by PARKING_WEBHOOK_NETWORKS"
                )
        error: Exception = Refused(f"{host} has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    str(address),
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Never: messages go to hosts."""
        raise Refused("No message goes to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """As httpcore asks."""
        await self._inner.sleep(seconds)


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, each once. Raises httpcore.ConnectError when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be found: {error}") from None
    return list(dict.fromkeys(ip_address(one[4][0]) for one in found))


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
