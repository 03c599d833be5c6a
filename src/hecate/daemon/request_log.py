"""Which request a log line belongs to, and whose it is: around the application, for all that it logs."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any, NamedTuple

import structlog

from hecate.endpoints import Peer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_HEADER = b"x-request-id"
_USABLE = re.compile(rb"[A-Za-z0-9._:-]{1,100}")

# Asked for each request, where structlog's own answer would cost more than all else here.
_level = logging.getLogger("hecate")

log = structlog.get_logger(__name__)


class _Request(NamedTuple):
    id: str
    peer: Peer | None


# Read when a line is logged, which few requests do: cheaper than structlog's bound variables.
_current: ContextVar[_Request | None] = ContextVar("hecate_request", default=None)


def add_request(_logger: Any, _method: str, entry: Message) -> Message:
    """Put ``request_id``, ``uid`` and ``pid`` into a log entry that a request has caused (a structlog processor)."""
    request = _current.get()
    if request is not None:
        entry.setdefault("request_id", request.id)
        if request.peer is not None:
            entry.update(uid=request.peer.uid, pid=request.peer.pid)
    return entry


class RequestLog:
    """Gives each request of *application* an id, and logs it at "debug" when it is answered.

    The id is the caller's ``X-Request-Id`` if that is usable; else it is made here and handed
    on as if the caller had sent it.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI), whose task is the caller."""
        # No coroutine of its own: every piece of a stream would have to pass it.
        request_id = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        if not _USABLE.fullmatch(request_id):
            request_id = os.urandom(8).hex().encode()
            scope["headers"].append((_HEADER, request_id))
        _current.set(_Request(request_id.decode(), scope.get("state", {}).get("peer")))
        if _level.isEnabledFor(logging.DEBUG):
            return self._logged(scope, receive, send)
        return self._application(scope, receive, send)

    async def _logged(self, scope: Message, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._application(scope, receive, sending)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 2)
            log.debug("request", method=scope["method"], path=scope["path"], status=status, milliseconds=milliseconds)
