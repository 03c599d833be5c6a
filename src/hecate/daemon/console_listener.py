"""The listener of the console: a loopback port that is bound when somebody first asks for the page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from hecate.console.open_console import Door
from hecate.console.page import file_of
from hecate.console.passes import Passes
from hecate.daemon.admission import FOR_BROWSERS, Unauthorized, Visitors
from hecate.daemon.loopback import LoopbackAddress
from hecate.daemon.refusing import Say, refuse
from hecate.daemon.request_log import Application, Message, Receive, Send
from hecate.daemon.server import Server
from hecate.dossiers.errors import HecateError, Invalid, NotFound, Unavailable
from hecate.endpoints import Peer, Raw

CONNECTIONS: Final = 64
"""A page holds a few; browsers open at most six for one address."""
SESSION_PATH: Final = "/session"
SESSION_LIMIT_BYTES: Final = 1024
_ANY_PORT: Final = LoopbackAddress.parse("127.0.0.1:0")
_BEARER: Final = "bearer "


class Ticket(msgspec.Struct, frozen=True):
    """What a page shows for a session."""

    ticket: str


class Console:
    """The page's files for everybody, and *application* for sessions, each of which acts for its user.

    Args:
        application: Answers ``/api``.
        address: Where it listens.
        say: Gives a refusal its shape.
        passes: Who may come in.
    """

    def __init__(self, application: Application, address: LoopbackAddress, say: Say, passes: Passes) -> None:
        self._application = application
        self._visitors = Visitors(address)
        self._say = say
        self._passes = passes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                ours = [header for header in FOR_BROWSERS if header[0] not in given]
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        try:
            self._visitors.check(scope["headers"])
            if scope["path"].startswith("/api/"):
                scope["state"]["peer"] = self._session(dict(scope["headers"]))
            else:
                await refuse(await self._page(scope, receive), sending)
                return
        except HecateError as error:
            await refuse(self._say(scope["path"], error), sending)
            return
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"authorization"]
        await self._application(scope, receive, sending)

    def _session(self, headers: Mapping[bytes, bytes]) -> Peer:
        shown = headers.get(b"authorization", b"").decode("latin-1")
        peer = self._passes.peer_of(shown[len(_BEARER) :]) if shown[: len(_BEARER)].lower() == _BEARER else None
        if peer is None:
            raise Unauthorized("this page's session has ended; open the console again with `hecate console`")
        # The program that the user works with now is the browser, of which the kernel tells us nothing.
        return peer._replace(pid=0)

    async def _page(self, scope: Message, receive: Receive) -> Raw:
        if scope["path"] == SESSION_PATH and scope["method"] == "POST":
            key = self._passes.exchange(await _ticket_in(receive))
            if key is None:
                raise Unauthorized("this link was used before, or is too old; get another with `hecate console`")
            return Raw(msgspec.json.encode({"ok": True, "session": key}), headers={"Cache-Control": "no-store"})
        known = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        found = file_of(scope["path"], known) if scope["method"] == "GET" else None
        if found is None:
            raise NotFound(f"the console has nothing at {scope['path'][:200]!r}")
        return found


async def _ticket_in(receive: Receive) -> str:
    body = b""
    while len(body) <= SESSION_LIMIT_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        return msgspec.json.decode(body[: SESSION_LIMIT_BYTES + 1], type=Ticket).ticket
    except msgspec.DecodeError as exc:
        raise Invalid('the body must be {"ticket": "…"}') from exc


class ConsoleListener:
    """Serves the console from the moment that *door* is first opened.

    Args:
        application: Answers what the page asks.
        say: Gives a refusal the shape that its path's callers expect.
        door: Leads to the console from now on.
    """

    def __init__(self, application: Application, say: Say, door: Door) -> None:
        self._application = application
        self._say = say
        self._door = door
        self._server: Server | None = None
        self._url = ""
        self._opening = asyncio.Lock()
        door.listen = self.listen

    async def listen(self) -> str:
        """Listen, unless it does, and return the page's address.

        Raises:
            Unavailable: There is no port to be had.
        """
        async with self._opening:
            if self._server is None:
                try:
                    listener = _ANY_PORT.bind()
                except OSError as exc:
                    raise Unavailable(f"cannot listen for the console: {exc.strerror}") from exc
                address = _ANY_PORT.at(listener.getsockname()[1])
                console = Console(self._application, address, self._say, self._door.passes)
                self._server = Server(console, limit=CONNECTIONS)
                await self._server.listen(listener)
                self._url = f"http://{address.authority}"
            return self._url

    async def drain(self) -> None:
        """Open for nobody more, and let what is under way finish."""
        self._door.listen = None
        if self._server is not None:
            await self._server.drain()
