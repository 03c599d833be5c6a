"""The whole way over a Unix socket: a client that hangs up ends the provider's call in each of three phases."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hecate.daemon.server import Server
from hecate.endpoints import Services
from hecate.rest.app import Application
from hecate.serve_llm.chat import ROUTES
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer, silent
from tests.serve_llm.asking import OpenGateway, Serve, provider_that, until, user_says

MODEL = "openai/m1"


async def speaks_and_waits(exchange: Exchange) -> None:
    """Say something, then nothing until the caller is gone."""
    await exchange.begin()
    await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hello"}}]})
    await exchange.gone.wait()


class Daemon:
    """The gateway behind the daemon's own server, on a socket in a folder of the test's."""

    def __init__(self, provider: ScriptedServer, path: Path) -> None:
        self.provider = provider
        self._path = path

    async def ask(self, body: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a chat, and return the connection."""
        reader, writer = await asyncio.open_unix_connection(self._path)
        content = json.dumps(body).encode()
        head = f"POST /api/llm/chat HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        return reader, writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a socket, which must be short."""
    return tmp_path / "s"


async def daemon(script: Script, path: Path, serve: Serve, open_gateway: OpenGateway, stack: AsyncExitStack) -> Daemon:
    """Return a daemon whose provider acts as told."""
    provider = await serve(provider_that(script))
    services = Services()
    services.add(await open_gateway({"openai": ProviderSettings(base_url=provider.url)}))
    server = Server(Application(ROUTES, services))
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(str(path))
    listener.setblocking(False)
    await server.listen(listener)
    stack.push_async_callback(server.drain, 0.1)
    return Daemon(provider, path)


@pytest.mark.parametrize(
    ("script", "stream"),
    [(speaks_and_waits, True), (silent, True), (silent, False)],
    ids=["in mid-stream", "before the first token", "not streamed"],
)
async def test_hanging_up(  # noqa: PLR0917
    script: Script,
    stream: bool,  # noqa: FBT001
    path: Path,
    serve: Serve,
    open_gateway: OpenGateway,
    stack: AsyncExitStack,
) -> None:
    """Ten clients hang up; ten calls end at the provider, and no task is left."""
    made = await daemon(script, path, serve, open_gateway, stack)
    tasks = len(asyncio.all_tasks())
    connections = [await made.ask(user_says(model=MODEL, stream=stream)) for _ in range(10)]
    await until(lambda: len(made.provider.posts) == 10)
    if script is speaks_and_waits:
        for reader, _ in connections:
            await reader.readuntil(b"Hello")
    for _, writer in connections:
        writer.transport.abort()
    await until(lambda: all(exchange.gone.is_set() for exchange in made.provider.posts))
    await until(lambda: made.provider.open <= 1 and len(asyncio.all_tasks()) <= tasks)


async def test_failure_before_the_first_token_has_a_status(
    path: Path, serve: Serve, open_gateway: OpenGateway, stack: AsyncExitStack
) -> None:
    """A stream that fails before it begins is an HTTP error with the contract's body."""

    async def limits(exchange: Exchange) -> None:
        await exchange.answer({"error": {"message": "slow down"}}, 429, Retry_After="9")

    made = await daemon(limits, path, serve, open_gateway, stack)
    reader, writer = await made.ask(user_says(model=MODEL, stream=True))
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    assert head.startswith("http/1.1 429")
    assert "retry-after: 9" in head
    assert json.loads(await reader.readexactly(length)) == {
        "ok": False,
        "error": "openai answered 429: slow down",
        "code": "provider_error",
        "provider": "openai",
    }
    writer.close()
