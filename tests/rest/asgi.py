"""Requests to an application in this process, as a server would hand them over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from hecate.endpoints import Answer, Call, Peer, Result, Route, Services, Stream
from hecate.rest.app import Application
from tests.calling import Reply

PEER = Peer(uid=1000, gid=1000, pid=4711)


class Request:
    """One request, and what has been answered to it so far.

    Args:
        method: Upper case.
        target: Path and query.
        body: As it arrives, in pieces.
        headers: By name.
        peer: None on a TCP listener.
        complete: Whether the last piece of the body is the last one.
    """

    def __init__(
        self,
        method: str,
        target: str,
        body: Iterable[bytes] = (b"",),
        headers: Mapping[str, str] | None = None,
        *,
        peer: Peer | None = PEER,
        complete: bool = True,
    ) -> None:
        path, _, query = target.partition("?")
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
            "state": {"when_gone": self._when_gone, **({} if peer is None else {"peer": peer})},
        }
        self.sent: list[MutableMapping[str, Any]] = []
        self._gone = asyncio.Event()
        self._leave: Callable[[], None] | None = None
        self.answered = asyncio.Event()
        """Set as soon as a piece of the body is out."""
        pieces = list(body)
        self._coming = [
            {"type": "http.request", "body": piece, "more_body": not complete or number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        ]

    async def receive(self) -> MutableMapping[str, Any]:
        """Give the next piece of the body, or wait until the caller hangs up."""
        if self._coming:
            return self._coming.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def hang_up(self) -> None:
        """Go away."""
        self._gone.set()
        self._when_gone(self._leave)

    def _when_gone(self, leave: Callable[[], None] | None) -> None:
        self._leave = leave
        if leave is not None and self._gone.is_set():
            leave()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a part of the answer."""
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.answered.set()

    @property
    def reply(self) -> Reply:
        """What was answered."""
        start, *rest = self.sent
        assert start["type"] == "http.response.start"
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        assert len(headers) == len(start["headers"]), "a header was sent twice"
        return Reply(start["status"], headers, b"".join(part["body"] for part in rest))


async def ask(application: Application, method: str, target: str, *body: bytes, **more: Any) -> Reply:
    """Return what *application* answers."""
    request = Request(method, target, body or (b"",), **more)
    await application(request.scope, request.receive, request.send)
    return request.reply


def application(*routes: Route, services: Sequence[object] = ()) -> Application:
    """Return an application of *routes* and *services*."""
    known = Services()
    for service in services:
        known.add(service)
    return Application(routes, known)


def route(call: Any, method: str = "GET", path: str = "/it", **more: Any) -> Route:
    """Return a route to *call*."""
    return Route(method=method, path=path, call=call, summary="It.", **more)


async def say_hello(_call: Call) -> Result:
    """Answer something."""
    return Answer({"hello": "world"})


def streaming(*pieces: bytes | Exception, closed: asyncio.Event | None = None) -> Any:
    """Return an endpoint that streams *pieces*; an exception among them is raised, and None waits for ever."""

    async def generate() -> AsyncGenerator[bytes, None]:
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            if closed is not None:
                await asyncio.get_running_loop().create_future()
        finally:
            if closed is not None:
                closed.set()

    async def call(_call: Call) -> Result:
        return Stream(generate())

    return call
