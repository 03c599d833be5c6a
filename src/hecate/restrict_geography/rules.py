"""What ``[geo]`` says of a country and of an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from hecate.restrict_geography.addresses import Address
from hecate.restrict_geography.countries import country_named
from hecate.restrict_geography.settings import GeoSettings

Network = IPv4Network | IPv6Network
Reason = Literal[
    "off",
    "address_denied",
    "address_allowed",
    "country_blocked",
    "country_allowed",
    "unknown_location",
    "broken_database",
    "broken_configuration",
    "not_checked_yet",
]


class Verdict(NamedTuple):
    """Whether the API answers, and why."""

    allowed: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rules:
    """``[geo]``, read."""

    is_allowlist: bool
    countries: frozenset[str]
    denied: tuple[Network, ...]
    allowed: tuple[Network, ...]
    allows_unknown: bool
    problems: tuple[str, ...]
    """What is wrong with the settings; with any, nothing in them can be relied on but ``on_unknown``."""

    @classmethod
    def read(cls, settings: GeoSettings) -> Rules:
        """Return what *settings* say."""
        problems: list[str] = []
        countries = frozenset(_countries(settings.countries, problems))
        is_allowlist = settings.mode == "allowlist"
        if is_allowlist and not settings.countries:
            problems.append("geo.countries is empty, and an allowlist without a country would allow nobody")
        denied = tuple(_networks("geo.deny_addresses", settings.deny_addresses, problems))
        allowed = tuple(_networks("geo.allow_addresses", settings.allow_addresses, problems))
        problems += [
            f"geo.echo_urls has {url!r}, and takes addresses that begin with https://"
            for url in settings.echo_urls
            if not _is_https(url)
        ]
        return cls(is_allowlist, countries, denied, allowed, settings.on_unknown == "allow", tuple(problems))

    def of_addresses(self, addresses: Sequence[Address]) -> tuple[Verdict, Address] | None:
        """Return what is said of one of *addresses* itself, and of which; a denied one counts before an allowed one."""
        for networks, verdict in (
            (self.denied, Verdict(allowed=False, reason="address_denied")),
            (self.allowed, Verdict(allowed=True, reason="address_allowed")),
        ):
            for address in addresses:
                if any(address in network for network in networks):
                    return verdict, address
        return None

    def of_country(self, country: str) -> Verdict:
        """Return what is said of *country*."""
        if (country in self.countries) == self.is_allowlist:
            return Verdict(allowed=True, reason="country_allowed")
        return Verdict(allowed=False, reason="country_blocked")

    def of_nothing(self, reason: Reason) -> Verdict:
        """Return what holds where the country is not known, for *reason*."""
        return Verdict(self.allows_unknown, reason)


def _countries(codes: Iterable[str], problems: list[str]) -> Iterable[str]:
    for code in codes:
        country = country_named(code)
        if country is None:
            problems.append(f"geo.countries has {code!r}, which is the code of no country (ISO 3166-1: two letters)")
        else:
            yield country


def _networks(key: str, texts: Iterable[str], problems: list[str]) -> Iterable[Network]:
    for text in texts:
        try:
            yield ip_network(text.strip())
        except ValueError as exc:
            problems.append(f"{key} has {text!r}, which is no network: {exc}")


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)
