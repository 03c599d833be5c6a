"""Refusals of requests that the application does not get to see."""

from __future__ import annotations

from collections.abc import Callable

from hecate.daemon.request_log import Send
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw

Say = Callable[[str, HecateError], Raw]
"""Says an error to a caller of a path, in the shape that the path's callers expect."""


class Forbidden(HecateError):
    """The caller may not do this, or not from there."""

    code = "forbidden"
    status = 403


async def refuse(said: Raw, send: Send) -> None:
    """Answer a request with *said* (ASGI)."""
    lines = {"content-type": said.media_type, "content-length": str(len(said.body)), **said.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in lines.items()]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": said.body})
