"""Addresses to which no request is ever sent: where clouds hand out their machines' credentials, and link-local ones.

Who may add a provider says where requests go, so a URL must not be a way to what only this machine
may ask.  A name is looked at once more when it has been resolved, whatever it has resolved to before.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import ThreadedResolver
from aiohttp.abc import ResolveResult
from yarl import URL

from hecate.dossiers.errors import Invalid

METADATA = frozenset(
    ip_address(address)
    for address in (
        "fd00:ec2::254",  # Amazon, over IPv6
        "fd20:ce::254",  # Google, over IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's platform
        "192.0.0.192",  # Oracle's older one
    )
)
"""Where clouds tell a machine what it is and may; most others use a link-local address."""


def checked_url(whose: str, url: str) -> str:
    """Return *url*, which a provider is to be reached at.

    Raises:
        Invalid: It is no URL, not one of http or https, or leads where no request may go.
    """
    try:
        parsed = URL(url)
    except ValueError as exc:
        raise Invalid(f"{whose} has an address that is none: {exc}") from exc
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise Invalid(f"{whose} needs a base_url that begins with http:// or https://, not {url!r}")
    if is_forbidden(parsed.host):
        raise Invalid(f"{whose} must not be at {parsed.host}: link-local addresses are never asked")
    return url


def is_forbidden(host: str) -> bool:
    """Tell whether *host* is an address to which no request is sent; a name is not, before it is resolved."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_link_local or address.is_multicast or address in METADATA


class Resolver(ThreadedResolver):
    """Finds the addresses of a host, without the forbidden ones."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            OSError: It has none, or none that may be asked.
        """
        found = await super().resolve(host, port, family)
        allowed = [result for result in found if not is_forbidden(result["host"])]
        if not allowed:
            raise OSError(None, f"{host} is at a link-local address, and those are never asked")
        return allowed
