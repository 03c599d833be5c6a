"""HTTP on the daemon's socket: uvicorn's protocol, plus who is calling and what a caller may not do.

uvicorn never closes a half-sent request, takes headers of any size, answers in plain text
where it answers itself, and does not ask the kernel who is at the other end.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hecate.daemon.head_with_body import HeadWithBody
from hecate.daemon.per_connection import Moment, Pipeline
from hecate.dossiers.errors import HecateError, Invalid, Unavailable
from hecate.endpoints import Peer

HEADER_LIMIT_BYTES: Final = 32 * 1024
"""Request line and headers together."""

if TYPE_CHECKING:
    from collections import deque

    from uvicorn._types import ASGI3Application, HTTPScope

_CREDENTIALS: Final = struct.Struct("=iII")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller may take to send what it has begun, in seconds."""

    header_seconds: float = 30.0
    """From the first byte of a request, or from the connection, until its header is complete."""
    body_gap_seconds: float = 30.0
    """Between two pieces of a request's body."""


class Connections(ServerState):
    """What all connections share.

    Args:
        limit: How many there may be at once; a further one is told so and closed.
        patience: With each of them.
    """

    def __init__(self, limit: int, patience: Patience) -> None:
        super().__init__()
        self.limit = limit
        self.patience = patience
        self.none_left = asyncio.Event()
        """Set when the last connection closes."""
        self._second = 0

    def refresh_date(self) -> None:
        """Bring the ``Date`` header up to date.  On demand: an idle daemon needs no clock tick."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.default_headers = [(b"date", formatdate(second, usegmt=True).encode())]


class HeaderTooLong(Invalid):
    """The request's header is over its limit."""

    status = 431


class PeerHttpProtocol(HttpToolsProtocol):
    """One connection.

    Requests have the caller in ``scope["state"]["peer"]``, and in ``scope["state"]["when_gone"]`` what
    `hecate.rest.disconnect` asks for.
    """

    # With these in its dict, beside uvicorn's own, an instance would take 1.2 kB more: a dict of
    # more than 30 attributes has its keys for itself.
    __slots__ = (
        "_arriving_bytes",
        "_deadline",
        "_header_bytes",
        "_header_complete",
        "_is_lost",
        "_leave",
        "_receiving",
        "_refusal",
        "_shared",
    )

    def __init__(self, config: Config, connections: Connections) -> None:
        super().__init__(config, connections, {})
        self._shared = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._receiving = False
        self._header_complete = False
        self._header_bytes = self._arriving_bytes = 0
        self._refusal: HecateError | None = None
        self._is_lost = False
        self._leave: Callable[[], None] | None = None
        self.pipeline = cast("deque[tuple[RequestResponseCycle, ASGI3Application]]", Pipeline())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Ask the kernel who is calling, and wait for a request, though not for ever."""
        super().connection_made(transport)
        self._shared.none_left.clear()
        self.flow._is_writable_event = cast("asyncio.Event", Moment())  # noqa: SLF001
        self.flow._is_writable_event.set()  # noqa: SLF001
        self.app_state = {"peer": peer_of(transport), "when_gone": self.when_gone}
        if len(self.connections) > self._shared.limit:
            self._refuse(Unavailable("too many connections are open", headers={"Retry-After": "1"}))
            return
        self._wait(self._shared.patience.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._wait(None)
        super().connection_lost(exc)
        self._is_lost = True
        if self._leave is not None:
            self._leave()
        # Each refers to the connection, as it does to them: what thousands leave behind would lie there until
        # the garbage collector comes, and make the process grow.
        self.cycle = cast("RequestResponseCycle", None)
        self.scope = cast("HTTPScope", {})
        self.app_state = {}
        if not self.connections:
            self._shared.none_left.set()

    def when_gone(self, leave: Callable[[], None] | None) -> None:
        """Call *leave* once the caller has gone away, at once if it has; None: nobody waits for it any more."""
        self._leave = leave
        if leave is not None and self._is_lost:
            leave()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and see that an unfinished request comes to an end."""
        self._arriving_bytes = len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._receiving:
            self._wait(None)
        elif self._header_complete:
            self._wait(self._shared.patience.body_gap_seconds)
        else:
            # The whole header has one deadline: no number of small pieces prolongs it.
            if self._deadline is None:
                self._wait(self._shared.patience.header_seconds)
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_LIMIT_BYTES:
                self._refuse(_header_too_long())

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._receiving, self._header_complete, self._header_bytes = True, False, 0

    def on_headers_complete(self) -> None:
        """Start answering, unless the header is too long.

        Raises:
            HeaderTooLong: It is; the parser stops and `send_400_response` follows.
            Invalid: Another server might take the request for another one.
        """
        self._header_complete = True
        # What has come so far is no shorter than the header.
        if self._header_bytes + self._arriving_bytes > HEADER_LIMIT_BYTES and (
            len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEADER_LIMIT_BYTES
        ):
            self._refusal = _header_too_long()
        else:
            self._refusal = self._told_in_two_ways()
        if self._refusal is not None:
            # By no name of this frame's: the error refers to that, and the two would keep each other, and all that
            # has come, until the garbage collector finds them.
            raise self._refusal
        self._shared.refresh_date()
        super().on_headers_complete()

    def _told_in_two_ways(self) -> Invalid | None:
        """Return what another server, such as a proxy before us, might understand in another way; None: nothing.

        The parser itself refuses two lengths, a length beside chunks, bare line feeds and the like.
        """
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                return Invalid("the body may be sent in chunks, and in no other encoding")
        if hosts > 1 or (not hosts and self.parser.get_http_version() != "1.0"):
            return Invalid("the request must have one Host header")
        return None

    def on_message_complete(self) -> None:
        """End a request."""
        self._receiving = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Answer what is not HTTP, or too much of it, in the contract's shape."""
        refusal, self._refusal = self._refusal, None
        self._refuse(refusal or Invalid("the request is not valid HTTP/1.1"))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Answer one request, with its head and the beginning of its body in one write."""
        self.headers = []  # They are the scope's now, which the application may empty.
        has_body = cycle.message_event.is_set()
        cycle.message_event = Moment(is_set=has_body)  # type: ignore[assignment]  # all that is used of an event
        if cycle.scope["method"] != "HEAD":
            cycle.transport = HeadWithBody(cycle.transport)  # type: ignore[assignment]  # all that is used of one
        super()._start_asgi_task(cycle, app)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: ``curl --http2`` offers an upgrade with each call, and is answered in HTTP/1.1."""

    def _refuse(self, error: HecateError) -> None:
        """Answer with *error* and close; after an answer that is under way, only close."""
        under_way = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        if under_way is not None and not under_way.response_complete:
            under_way.keep_alive = False
            # A body that breaks off is waited for in vain: its request is answered here, and the application let go.
            broken_body = self._receiving and self._header_complete and not self.pipeline
            if under_way.response_started or not broken_body:
                return
        body = msgspec.json.encode(error.envelope())
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            **error.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()

    def _wait(self, seconds: float | None) -> None:
        """Close the connection in *seconds* unless something happens; None: wait without an end."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._give_up, seconds)

    def _give_up(self, seconds: float) -> None:
        if self.flow.read_paused:
            # It is our side that does not read on.
            self._wait(seconds)
        else:
            self.transport.close()


def peer_of(transport: asyncio.BaseTransport) -> Peer | None:
    """Return who connected, as the kernel noted at that moment; None for a connection over TCP."""
    connected = cast("socket.socket", transport.get_extra_info("socket"))
    if connected.family != socket.AF_UNIX:
        return None
    pid, uid, gid = _CREDENTIALS.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Peer(uid=uid, gid=gid, pid=pid)


def _header_too_long() -> HeaderTooLong:
    return HeaderTooLong(f"the request's header is longer than {HEADER_LIMIT_BYTES // 1024} KiB")
