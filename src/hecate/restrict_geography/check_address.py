"""Which country an address belongs to, and whether a machine there would be allowed.

GET /api/geo/check/{ip}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.endpoints import Call, Route
from hecate.restrict_geography.addresses import read_address
from hecate.restrict_geography.geography import Geography
from hecate.restrict_geography.rules import Reason
from hecate.restrict_geography.show_geography import GeoDatabase


class CheckedAddress(msgspec.Struct, kw_only=True):
    """What ``[geo]`` says of an address."""

    ok: bool
    ip: str
    """Without its disguise: ``1.2.3.4`` for ``::ffff:1.2.3.4``."""
    country: str | None
    """Null: the database does not know, or there is none for a private address."""
    allowed: bool
    reason: Reason
    database: GeoDatabase | None
    problems: tuple[str, ...]


async def check_address(call: Call) -> Mapping[str, Any]:
    """Look the address up, now; nobody else is asked."""
    text = call.path["ip"]
    try:
        address = read_address(text)
    except ValueError as exc:
        raise Invalid(f"{text!r} is no IP address") from exc
    inspected = await call.services.get(Geography).inspect(address)
    database = inspected.database
    return {
        "ip": str(address),
        "country": inspected.place.country,
        "allowed": inspected.verdict.allowed,
        "reason": inspected.verdict.reason,
        "database": None if database is None else GeoDatabase(database.name, database.date),
        "problems": inspected.problems,
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/geo/check/{ip}",
        call=check_address,
        summary="Look up the country of an address, and whether a machine there would be allowed.",
        answer=CheckedAddress,
        errors=(400,),
        tag="geo",
        unrestricted=True,
    ),
)
