"""Whether the daemon is well.

GET /api/health
GET /health
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from hecate import __version__
from hecate.dossiers.engine import Engine
from hecate.endpoints import Call, Route

if TYPE_CHECKING:
    from collections.abc import Mapping


class Health(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/health``."""

    ok: bool
    status: str
    """``healthy``, or ``degraded`` while nothing can be recorded."""
    ready: bool
    service: str
    version: str
    uptime_seconds: int
    events: int
    """How many events are in the store."""
    sqlite_version: str
    error: str = ""
    """Why the daemon is degraded."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """When the daemon started, on the monotonic clock, in seconds."""

    started: float = field(default_factory=time.monotonic)


async def report_health(call: Call) -> Mapping[str, Any]:
    """Report whether commands can be recorded, and since when the daemon runs."""
    store = call.services.get(Engine).store
    trouble = store.trouble
    return {
        "status": "degraded" if trouble else "healthy",
        "ready": not trouble,
        "service": "hecate",
        "version": __version__,
        "uptime_seconds": int(time.monotonic() - call.services.get(Uptime).started),
        "events": store.head,
        "sqlite_version": apsw.sqlite_lib_version(),
        **({"error": trouble} if trouble else {}),
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/health",
        call=report_health,
        summary="Check daemon health and status.",
        answer=Health,
        aliases=("/health",),
        tag="health",
        unrestricted=True,
    ),
)
