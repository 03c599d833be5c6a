"""A provider whose every byte is scripted: an HTTP server by hand, on a real socket.

A test gives a script, an async function that is called with each request and answers it in
whatever broken way the test is about.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

Script = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request, and the means to answer it."""

    def __init__(
        self, method: str, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.gone = asyncio.Event()
        """Set when the client has closed its side."""
        self.keep = True
        """Whether the connection can be used again."""
        self._writer = writer

    def json(self) -> Any:
        """Return the request's body, read."""
        return json.loads(self.body)

    async def answer(
        self, body: bytes | str | Any = b"", status: int = 200, media_type: str = "application/json", **headers: str
    ) -> None:
        """Send a whole answer; what is no text is sent as JSON."""
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def begin(self, media_type: str = "text/event-stream", status: int = 200) -> None:
        """Begin an answer whose pieces follow."""
        await self.raw(
            f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )

    async def piece(self, data: bytes | str) -> None:
        """Send a piece of the body."""
        data = data.encode() if isinstance(data, str) else data
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def event(self, data: Any) -> None:
        """Send a server-sent event."""
        await self.piece(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")

    async def end(self) -> None:
        """End a body of pieces."""
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Break the connection off."""
        self.keep = False
        self._writer.transport.abort()

    def hang_up(self) -> None:
        """Close the connection in good order."""
        self.keep = False
        self._writer.close()


class ScriptedServer:
    """Serves *script* on the loopback interface while the context lasts."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.exchanges: list[Exchange] = []
        self.connections = 0
        """How many were ever made."""
        self.open = 0
        """How many there are now."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def posts(self) -> list[Exchange]:
        """The requests that were no questions for the list of models."""
        return [exchange for exchange in self.exchanges if exchange.method == "POST"]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve_one(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        while first:
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
            request_line, *lines = head.strip().split("\r\n")
            method, path, _ = request_line.split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            exchange = Exchange(method, path, headers, body, writer)
            self.exchanges.append(exchange)
            scripted = asyncio.ensure_future(self.script(exchange))
            following = asyncio.create_task(reader.read(1))
            try:
                await asyncio.wait((scripted, following), return_when=asyncio.FIRST_COMPLETED)
                if following.done() and (following.exception() or not following.result()):
                    exchange.gone.set()
                await scripted
                first = await following if exchange.keep else b""
            finally:
                scripted.cancel()
                following.cancel()
                await asyncio.gather(scripted, following, return_exceptions=True)


async def silent(exchange: Exchange) -> None:
    """Never answer."""
    await exchange.gone.wait()
