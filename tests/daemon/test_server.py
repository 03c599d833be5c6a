"""The server's drain, and its share of the open files."""

from __future__ import annotations

import asyncio
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from hecate.daemon.server import MOST_FILES, OTHER_FILES, Server, connection_limit

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def listening(server: Server, path: Path) -> None:
    """Have *server* listen at *path*."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    await server.listen(listener)


async def test_a_drain_without_requests_is_immediate(place: Path) -> None:
    """Idle and silent connections are closed, and nobody can connect any more."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    server = Server(application)
    await listening(server, place / "s")
    reader, writer = await asyncio.open_unix_connection(str(place / "s"))
    await server.drain()
    assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_unix_connection(str(place / "s"))
    writer.close()


async def test_what_takes_too_long_is_cut_off(place: Path) -> None:
    """The drain ends, whatever a request does: it is cancelled, and may still say what it leaves."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    server = Server(application)
    await listening(server, place / "s")
    reader, writer = await asyncio.open_unix_connection(str(place / "s"))
    writer.write(GET)
    await begun.wait()
    await server.drain(seconds=0.05)
    assert cancelled.is_set()
    assert (await reader.readline()).startswith(b"HTTP/1.1 503")
    writer.close()


async def test_a_caller_that_does_not_read_is_cut_off(place: Path) -> None:
    """An answer that nobody takes does not hold the drain up for ever."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"a" * 65536, "more_body": True})
            await asyncio.sleep(0)

    server = Server(application)
    await listening(server, place / "s")
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        await asyncio.get_running_loop().sock_connect(caller, str(place / "s"))
        await asyncio.get_running_loop().sock_sendall(caller, GET)
        assert await asyncio.get_running_loop().sock_recv(caller, 12) == b"HTTP/1.1 200"
        await server.drain(seconds=0.05)


async def test_a_caller_that_does_not_read_holds_nobody_up(place: Path) -> None:
    """An answer that lies unread is cut off long before the drain's end; one that is read goes on."""
    stuck = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        stuck.set()
        for _ in range(1000):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})

    server = Server(application)
    await listening(server, place / "s")
    deaf = socket.socket(socket.AF_UNIX)
    deaf.connect(str(place / "s"))
    deaf.sendall(GET)
    await stuck.wait()
    async with asyncio.timeout(20):
        await server.drain(seconds=3600, unread_seconds=0.1)
    deaf.close()


def test_connections_leave_files_for_the_rest() -> None:
    """As many files as may be, less what the store and the providers need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = connection_limit()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft >= min(hard if hard != resource.RLIM_INFINITY else MOST_FILES, MOST_FILES)
    assert limit == max(soft - OTHER_FILES, soft // 2)
