"""IP addresses, without their disguises."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hecate.restrict_geography.addresses import read_address, tells_a_place


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8.8.8.8", "8.8.8.8"),
        (" 8.8.8.8\n", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2002:808:808::1", "8.8.8.8"),
        ("2001:4860:0:0::8888", "2001:4860::8888"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_read_as_what_it_is(text: str, address: str) -> None:
    """An IPv4 address inside an IPv6 one is the one that a database knows."""
    assert read_address(text) == ip_address(address)


@pytest.mark.parametrize("text", ["", "8.8.8", "8.8.8.8/24", "localhost", "08.8.8.8", "%eth0", "1" * 5000, "٨.8.8.8"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """Whatever else it is."""
    with pytest.raises(ValueError):
        read_address(text)


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("8.8.8.8", True),
        ("2001:4860::1", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),  # shared by a provider's customers
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("203.0.113.7", False),  # for documents
        ("224.0.1.1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("ff0e::1", False),
        ("::", False),
    ],
)
def test_only_addresses_of_the_internet_tell_a_place(text: str, *, tells: bool) -> None:
    """Private ones are the same everywhere."""
    assert tells_a_place(read_address(text)) is tells
