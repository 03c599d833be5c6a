"""The gateway behind the daemon's own server, on a Unix socket, and a client that can do anything with it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from hecate.daemon.server import Server
from hecate.endpoints import Call, Services
from hecate.rest.app import Application
from hecate.serve_llm.attempts import Attempt, Attempts
from hecate.serve_llm.chat import ROUTES as CHAT_ROUTES
from hecate.serve_llm.check_providers import ROUTES as HEALTH_ROUTES
from hecate.serve_llm.dialects.anthropic import ROUTES as ANTHROPIC_ROUTES
from hecate.serve_llm.dialects.ollama import ROUTES as OLLAMA_ROUTES
from hecate.serve_llm.dialects.openai import ROUTES as OPENAI_ROUTES
from hecate.serve_llm.finished_calls import CallUnderWay
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.reply import Reply
from tests.serve_llm.asking import GIVE_UP_SECONDS

ROUTES = (*CHAT_ROUTES, *HEALTH_ROUTES, *OPENAI_ROUTES, *ANTHROPIC_ROUTES, *OLLAMA_ROUTES)
OF_ONE_CALL = (Attempt, Attempts, Call, CallUnderWay, Reply)
"""What is there for each call, and for no longer."""
KEPT_CALLS = 8
"""So many may be referred to by timers of connections that are kept open."""


class Answered(NamedTuple):
    """What came back over the socket."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The JSON in the server-sent events of the body."""
        lines = [line.removeprefix("data: ") for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]


class Traces(NamedTuple):
    """What a call might leave behind."""

    tasks: int
    files: int
    objects: int


class SocketDaemon:
    """A gateway that is served at *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(
        self, body: dict[str, Any], target: str = "/api/llm/chat"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request, and return the connection."""
        reader, writer = await asyncio.open_unix_connection(self._path)
        content = json.dumps(body).encode()
        head = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        return reader, writer

    async def ask(self, body: dict[str, Any], target: str = "/api/llm/chat") -> Answered:
        """Send a request, and return the whole answer."""
        reader, writer = await self.send(body, target)
        try:
            return await read_answer(reader)
        finally:
            writer.close()
            await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader) -> Answered:
    """Return the answer on a connection that closes after it."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    rest = await reader.read()
    if headers.get("transfer-encoding") == "chunked":
        rest = _without_chunks(rest)
    return Answered(int(status.split(" ")[1]), headers, rest)


def _without_chunks(data: bytes) -> bytes:
    pieces = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(data[:length])
        data = data[length + 2 :]
        if not length:
            break
    else:
        raise AssertionError("the answer broke off")
    return b"".join(pieces)


async def serve_at(path: Path, gateway: Gateway, stack: AsyncExitStack) -> SocketDaemon:
    """Serve *gateway* until *stack* is closed."""
    services = Services()
    services.add(gateway)
    server = Server(Application(ROUTES, services))
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(str(path))
    listener.setblocking(False)
    await server.listen(listener)
    stack.push_async_callback(server.drain, 0.1)
    return SocketDaemon(path)


def traces() -> Traces:
    """Return what there is now."""
    gc.collect()
    objects = sum(isinstance(found, OF_ONE_CALL) for found in gc.get_objects())
    return Traces(len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir())), objects)


async def leaves_nothing(work: Callable[[], Awaitable[object]], warmed: Callable[[], Awaitable[object]]) -> None:
    """Do *work*, and wait until there is no more than before it; *warmed* is done first, to make what is kept."""
    await warmed()
    before = traces()
    await work()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not _no_more(traces(), before):  # noqa: ASYNC110 - what is waited for is anywhere
            await asyncio.sleep(0.05)


def _no_more(now: Traces, before: Traces) -> bool:
    return now.tasks <= before.tasks and now.files <= before.files and now.objects <= before.objects + KEPT_CALLS
