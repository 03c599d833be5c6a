"""What was found out about where this machine is, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hecate.restrict_geography.addresses import Address
from hecate.restrict_geography.databases import Database
from hecate.restrict_geography.errors import GeoRestricted
from hecate.restrict_geography.rules import Reason, Rules, Verdict

Source = Literal["environment", "configuration", "interface", "peers", "echo"]

_WHY: dict[Reason, str] = {
    "address_denied": "this machine has the address {address}, which geo.deny_addresses has",
    "country_blocked": "this machine is in {country}",
    "unknown_location": "the country that this machine is in is not known",
    "broken_database": "the database of countries cannot be used",
    "broken_configuration": "[geo] in the configuration is wrong",
    "not_checked_yet": "the country that this machine is in is not known yet",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where this machine seems to be."""

    country: str | None = None
    source: Source | None = None
    """How that was found, or, where only an address was, how the address was."""
    address: Address | None = None
    """From which it follows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The outcome of one check."""

    verdict: Verdict
    place: Place
    checked_at: datetime
    database: Database | None = None
    """None: none was asked, or it is broken."""
    own_addresses: frozenset[Address] = frozenset()
    problems: tuple[str, ...] = ()
    """What is wrong with the configuration, the database or a source, in sentences."""

    def refusal(self, rules: Rules) -> GeoRestricted:
        """Return the error for a caller, where the verdict is against it."""
        why = _WHY[self.verdict.reason].format(country=self.place.country, address=self.place.address)
        if self.verdict.reason == "country_blocked":
            why += ", which is not on the allowlist" if rules.is_allowlist else ", which is on the blocklist"
        elif self.verdict.reason != "address_denied":
            why += ", and geo.on_unknown is deny"
        return GeoRestricted(f"requests are refused: {why}; GET /api/geo/status tells more", country=self.place.country)
