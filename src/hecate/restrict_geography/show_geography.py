"""Whether the API answers where this machine is.

GET /api/geo/status
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hecate.endpoints import Call, Route
from hecate.restrict_geography.geography import Geography
from hecate.restrict_geography.rules import Reason
from hecate.restrict_geography.standing import Source

UNKNOWN = "unknown"
"""Stands for the country in ``status`` where there is none to name."""


class GeoDatabase(msgspec.Struct, frozen=True):
    """What says which country an address belongs to."""

    name: str
    date: str | None
    """The day of its data; null: it does not say."""


class GeoConfiguration(msgspec.Struct, frozen=True):
    """``[geo]``, in short."""

    mode: Literal["blocklist", "allowlist"]
    blocked_count: int
    allowed_count: int
    on_unknown: Literal["allow", "deny"]


class GeoStatus(msgspec.Struct, kw_only=True):
    """Where this machine is, how that was found, and what follows."""

    ok: bool
    allowed: bool
    """Whether the API answers."""
    status: Literal["allowed"] | dict[str, str]
    """The same as older clients know it: ``"allowed"`` or ``{"blocked": "RU"}``."""
    country: str | None
    """Null: not known, or not asked for."""
    checked_at: str
    enabled: bool
    reason: Reason
    source: Source | None
    """How the country was found, or at least an address."""
    address: str | None
    """From which the country follows."""
    database_loaded: bool
    database: GeoDatabase | None
    config: GeoConfiguration
    notices_changes: bool
    """Whether a change of address leads to a check at once; else the next one is within the hour."""
    problems: tuple[str, ...]
    """What is wrong with the configuration, the database or a source."""


async def show_geography(call: Call) -> Mapping[str, Any]:
    """Show what the last check found."""
    return status_of(call.services.get(Geography))


def status_of(geography: Geography) -> Mapping[str, Any]:
    """Return the fields of a `GeoStatus`."""
    standing, rules = geography.standing, geography.rules
    place, database = standing.place, standing.database
    allowed, reason = standing.verdict
    reload_problem = (geography.reload_problem,) if geography.reload_problem else ()
    return {
        "allowed": allowed,
        "status": "allowed" if allowed else {"blocked": place.country or UNKNOWN},
        "country": place.country,
        "checked_at": standing.checked_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "enabled": geography.settings.enabled,
        "reason": reason,
        "source": place.source,
        "address": None if place.address is None else str(place.address),
        "database_loaded": database is not None,
        "database": None if database is None else GeoDatabase(database.name, database.date),
        "config": GeoConfiguration(
            mode=geography.settings.mode,
            blocked_count=0 if rules.is_allowlist else len(rules.countries),
            allowed_count=len(rules.countries) if rules.is_allowlist else 0,
            on_unknown=geography.settings.on_unknown,
        ),
        "notices_changes": geography.notices_changes,
        "problems": (*standing.problems, *reload_problem),
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/geo/status",
        call=show_geography,
        summary="Check geographic access status.",
        answer=GeoStatus,
        tag="geo",
        unrestricted=True,
    ),
)
