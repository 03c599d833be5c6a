"""Addresses that no check asks: link-local ones, and where clouds hand out their machines' credentials.

Whoever may register a check says where requests go, and reads in its result what came back; that must
not be a way to what only this machine may ask.  Loopback and private addresses are what a local daemon watches.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

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

TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a NAT64 gateway takes them (RFC 6052): the last four bytes."""


def is_refused(host: str) -> bool:
    """Tell whether *host* is an address that no check asks; a name is not, before it is resolved."""
    address = _address_of(host)
    return address is not None and any(
        one.is_link_local or one.is_multicast or one in METADATA for one in _also_reached(address)
    )


def _address_of(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        # As the C library reads addresses: 2852039166 and 0xa9.0xfe.43518 are 169.254.169.254, too.
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _also_reached(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return *address*, and the IPv4 address that is reached through it, if any."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address in TRANSLATED:
        return address, IPv4Address(address.packed[-4:])
    embedded = address.ipv4_mapped or address.sixtofour
    return (address,) if embedded is None else (address, embedded)
