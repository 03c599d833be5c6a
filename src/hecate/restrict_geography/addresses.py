"""IP addresses, without their disguises."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def read_address(text: str) -> Address:
    """Return the address that *text* is, as `undisguised` has it and without a zone (``%eth0``).

    Raises:
        ValueError: It is none.
    """
    return undisguised(ip_address(text.strip().partition("%")[0]))


def undisguised(address: Address) -> Address:
    """Return the IPv4 address inside *address*, if it is a mapped one (``::ffff:1.2.3.4``) or one of 6to4."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def tells_a_place(address: Address) -> bool:
    """Tell whether *address* is of the internet: not private, shared by a provider (100.64.0.0/10), or multicast."""
    return address.is_global and not address.is_multicast


def is_of_this_link(address: Address) -> bool:
    """Tell whether *address* means something on this machine or this cable alone."""
    return address.is_loopback or address.is_link_local or address.is_unspecified
