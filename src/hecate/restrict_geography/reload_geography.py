"""Reads ``[geo]`` and the database again, and checks where this machine is.

    POST /api/geo/reload

SIGHUP does the same for the whole configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hecate.endpoints import Call, Route
from hecate.restrict_geography.geography import Geography
from hecate.restrict_geography.show_geography import GeoStatus, status_of


async def reload_geography(call: Call) -> Mapping[str, Any]:
    """Go by what the configuration says now, and answer with what follows."""
    geography = call.services.get(Geography)
    await geography.reload()
    return status_of(geography)


ROUTES = (
    Route(
        method="POST",
        path="/api/geo/reload",
        call=reload_geography,
        summary="Reload the geographic restriction, and check again.",
        answer=GeoStatus,
        errors=(400,),
        tag="geo",
        unrestricted=True,
    ),
)
