"""The Python client of the daemon: `Client` for programs that wait, `AsyncClient` for asyncio ones.

from hecate.client import Client

with Client() as client:
    print(client.health().version)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.client.answers import PROCESSES
from hecate.client.carrier import Fetched
from hecate.client.client import Client
from hecate.client.errors import (
    AnswerBroken,
    AnswerUnreadable,
    Conflict,
    DaemonFailed,
    DaemonSilent,
    DaemonUnreachable,
    Forgotten,
    GateClosed,
    GeoRestricted,
    HecateClientError,
    Invalid,
    InvalidState,
    ModelNotFound,
    NotFound,
    ProviderFailed,
    Unavailable,
)
from hecate.client.questions import Selection
from hecate.client.stream import Stream

if TYPE_CHECKING:
    from hecate.client.async_client import AsyncClient
    from hecate.client.async_stream import AsyncStream

__all__ = [
    "PROCESSES",
    "AnswerBroken",
    "AnswerUnreadable",
    "AsyncClient",
    "AsyncStream",
    "Client",
    "Conflict",
    "DaemonFailed",
    "DaemonSilent",
    "DaemonUnreachable",
    "Fetched",
    "Forgotten",
    "GateClosed",
    "GeoRestricted",
    "HecateClientError",
    "Invalid",
    "InvalidState",
    "ModelNotFound",
    "NotFound",
    "ProviderFailed",
    "Selection",
    "Stream",
    "Unavailable",
]


def __getattr__(name: str) -> object:
    # aiohttp takes 0.15 s to import, which every start of the command line would pay.
    if name in {"AsyncClient", "AsyncStream"}:
        from hecate.client import async_client  # noqa: PLC0415 - see above

        return getattr(async_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
