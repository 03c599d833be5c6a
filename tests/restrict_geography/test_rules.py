"""What ``[geo]`` says of a country and of an address."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from hecate.restrict_geography.addresses import read_address
from hecate.restrict_geography.rules import Rules
from hecate.restrict_geography.settings import GeoSettings


def rules(**settings: Any) -> Rules:
    """Return the rules of *settings*, which are sound."""
    read = Rules.read(GeoSettings(**settings))
    assert read.problems == ()
    return read


@pytest.mark.parametrize(
    ("mode", "country", "allowed"),
    [
        ("blocklist", "RU", False),
        ("blocklist", "NL", True),
        ("allowlist", "RU", True),
        ("allowlist", "NL", False),
    ],
)
def test_a_list_blocks_or_allows(mode: str, country: str, *, allowed: bool) -> None:
    """The same list, with the one meaning or the other."""
    verdict = rules(mode=mode, countries=("ru", "KP")).of_country(country)
    assert verdict == (allowed, "country_allowed" if allowed else "country_blocked")


def test_an_address_that_is_denied_counts_before_one_that_is_allowed() -> None:
    """Whatever the order of the addresses, and of both kinds of IP."""
    both = rules(allow_addresses=("10.0.0.0/8", "2001:4860::/32"), deny_addresses=("10.1.0.0/16",))
    allowed, denied = read_address("10.2.0.1"), read_address("10.1.0.1")
    assert both.of_addresses((allowed, denied)) == ((False, "address_denied"), denied)
    assert both.of_addresses((read_address("9.9.9.9"), allowed)) == ((True, "address_allowed"), allowed)
    assert both.of_addresses((read_address("2001:4860::1"),)) is not None
    assert both.of_addresses((read_address("9.9.9.9"), read_address("2001:4861::1"))) is None


@pytest.mark.parametrize(("on_unknown", "allowed"), [("allow", True), ("deny", False)])
def test_the_operator_decides_what_is_unknown(on_unknown: str, *, allowed: bool) -> None:
    """With the reason as it is given."""
    assert rules(on_unknown=on_unknown).of_nothing("broken_database") == (allowed, "broken_database")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"countries": ("NL", "UK")}, "geo.countries has 'UK', which is the code of no country"),
        ({"countries": ("Russia",)}, "geo.countries has 'Russia'"),
        ({"mode": "allowlist"}, "geo.countries is empty"),
        ({"deny_addresses": ("10.0.0.0/33",)}, "geo.deny_addresses has '10.0.0.0/33', which is no network"),
        ({"deny_addresses": ("10.0.0.1/8",)}, "has host bits set"),
        ({"allow_addresses": ("here",)}, "geo.allow_addresses has 'here'"),
        ({"echo_urls": ("http://example.org",)}, "geo.echo_urls has 'http://example.org'"),
        ({"echo_urls": ("https://",)}, "takes addresses that begin with https://"),
        ({"echo_urls": ("https://[",)}, "takes addresses that begin with https://"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], problem: str) -> None:
    """With its key and its value."""
    (said,) = Rules.read(GeoSettings(**settings)).problems
    assert problem in said


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5), st.sampled_from(["blocklist", "allowlist"]))
def test_nonsense_is_said_and_never_rises(first: list[str], second: list[str], mode: str) -> None:
    """Whatever is written: each of it is either understood, or a problem; then ``on_unknown`` is all that counts."""
    settings = msgspec.convert(
        {
            "mode": mode,
            "countries": first,
            "deny_addresses": second,
            "allow_addresses": first,
            "echo_urls": second,
            "on_unknown": "deny",
        },
        GeoSettings,
    )
    read = Rules.read(settings)
    understood = len(read.allowed) + len(read.denied)
    assert len(read.problems) >= len(first) + len(second) - understood
    assert not read.of_nothing("broken_configuration").allowed
