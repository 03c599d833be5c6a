"""The table ``[geo]`` of the configuration file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class GeoSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[geo]``: in which countries the API answers.

    What is wrong with a value, such as a country that there is not, does not keep the daemon from starting:
    ``GET /api/geo/status`` says it, and ``on_unknown`` decides.
    """

    enabled: bool = False
    mode: Literal["blocklist", "allowlist"] = "blocklist"
    countries: tuple[str, ...] = ()
    """Codes of two letters (ISO 3166-1): where the API does not answer, or the only ones where it does."""
    allow_addresses: tuple[str, ...] = ()
    """Networks such as ``203.0.113.0/24``; a machine with an address in one is allowed, whatever its country."""
    deny_addresses: tuple[str, ...] = ()
    """Networks; a machine with an address in one is refused, even if it has one that is allowed."""
    on_unknown: Literal["allow", "deny"] = "allow"
    """What holds while the country is not known."""
    country: str = ""
    """Where this machine is; empty: found out.  ``HECATE_GEO_COUNTRY`` comes before it."""
    database: str = ""
    """An ``.mmdb`` file with the countries of addresses; empty: the database that is built in."""
    echo_urls: tuple[str, ...] = ()
    """HTTPS services that answer with the caller's address, asked in turn where nothing else tells; empty: none is."""
