"""What can be asked about the country that the daemon's machine is in."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from hecate.client.question import Question, decoded


class GeoDatabase(msgspec.Struct, frozen=True):
    """What says which country an address belongs to."""

    name: str
    date: str | None = None
    """The day of its data; None: it does not say."""


class GeoStatus(msgspec.Struct, frozen=True):
    """Where the daemon's machine is, and whether the API answers there."""

    allowed: bool
    enabled: bool = False
    country: str | None = None
    checked_at: str = ""
    reason: str = ""
    source: str | None = None
    """How the country was found."""
    address: str | None = None
    database: GeoDatabase | None = None
    problems: tuple[str, ...] = ()


class CheckedAddress(msgspec.Struct, frozen=True):
    """The country of an address, and whether a machine there would be allowed."""

    ip: str
    allowed: bool
    country: str | None = None
    reason: str = ""
    database: GeoDatabase | None = None
    problems: tuple[str, ...] = ()


def geo_status() -> Question[GeoStatus]:
    """Does the API answer where the machine is?"""
    return Question("GET", "/api/geo/status", lambda body: decoded(body, GeoStatus))


def check_address(ip: str) -> Question[CheckedAddress]:
    """Which country is this address of?"""
    return Question("GET", f"/api/geo/check/{quote(ip, safe=':')}", lambda body: decoded(body, CheckedAddress))


def reload_geography() -> Question[GeoStatus]:
    """Please read ``[geo]`` and the database again."""
    # Services on the internet may be asked, each with a time limit of its own.
    return Question("POST", "/api/geo/reload", lambda body: decoded(body, GeoStatus), patient=True)
