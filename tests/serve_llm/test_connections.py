"""The pool: what is kept, for whom, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from hecate.serve_llm.connections import Connections
from hecate.serve_llm.http1.connection import Connection
from hecate.serve_llm.http1.failures import BrokenOff
from hecate.serve_llm.http1.origin import Origin
from tests.fakes.scripted_server import Exchange, ScriptedServer

HEAD = b"GET /%b HTTP/1.1\r\nHost: x\r\n"


async def act(exchange: Exchange) -> None:
    """Answer as the path says."""
    match exchange.path:
        case "/whole":
            await exchange.answer(b"hi")
        case "/late":
            await exchange.begin()
            await exchange.piece("data: [DONE]\n\n")
            await asyncio.sleep(0.01)
            await exchange.end()
        case _:
            await exchange.begin()
            await exchange.piece("data: {}\n\n")
            await exchange.gone.wait()


@asynccontextmanager
async def pool() -> AsyncIterator[tuple[Connections, Origin, ScriptedServer]]:
    """Give a pool, and a server with its origin."""
    async with ScriptedServer(act) as server:
        connections = Connections()
        yield connections, Origin.of(URL(server.url)), server
        await connections.close()


async def begun(connections: Connections, origin: Origin, path: bytes) -> Connection:
    """Return a connection with an answer that has begun."""
    connection = connections.kept(origin) or await connections.dialled(origin, 10.0)
    connection.send(HEAD % path, None, seconds=10.0)
    await connection.begun()
    return connection


async def test_a_connection_is_used_again() -> None:
    """Once its answer has come to the end, and for the same origin alone."""
    async with pool() as (connections, origin, server):
        assert connections.kept(origin) is None
        first = await begun(connections, origin, b"whole")
        assert await first.read() == b"hi"
        connections.leave(first, wait=False)
        assert connections.kept(origin._replace(port=1)) is None
        assert await begun(connections, origin, b"whole") is first
        assert server.connections == 1


async def test_a_connection_in_use_is_nobody_elses() -> None:
    """Two calls at a time are two connections."""
    async with pool() as (connections, origin, server):
        first = await begun(connections, origin, b"endless")
        second = await begun(connections, origin, b"endless")
        assert first is not second
        assert server.connections == 2


async def test_an_answer_that_is_left_is_ended() -> None:
    """The provider sees that nobody listens any more."""
    async with pool() as (connections, origin, server):
        connection = await begun(connections, origin, b"endless")
        connections.leave(connection, wait=False)
        await asyncio.wait_for(server.exchanges[0].gone.wait(), 10)
        assert connections.kept(origin) is None


async def test_the_end_of_an_answer_is_waited_for() -> None:
    """Its end mark has been read, its last bytes have not come: the connection is kept when they have."""
    async with pool() as (connections, origin, _):
        connection = await begun(connections, origin, b"late")
        await connection.read()
        connections.leave(connection, wait=True)
        async with asyncio.timeout(10):
            while (kept := connections.kept(origin)) is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        assert kept is connection


async def test_a_connection_that_the_server_closes_is_forgotten() -> None:
    """The next call makes a new one."""
    async with pool() as (connections, origin, server):
        connection = await begun(connections, origin, b"whole")
        await connection.read()
        connections.leave(connection, wait=False)
        server.exchanges[0].hang_up()
        async with asyncio.timeout(10):
            while connection.is_reusable:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        assert connections.kept(origin) is None


async def test_the_end_closes_all() -> None:
    """What is idle and what is under way, whose reader is told."""
    async with pool() as (connections, origin, server):
        idle = await begun(connections, origin, b"whole")
        await idle.read()
        connections.leave(idle, wait=False)
        busy = await begun(connections, origin, b"endless")
        assert await busy.read()
        reading = asyncio.ensure_future(busy.read())
        await asyncio.sleep(0)
        await connections.close()
        (result,) = await asyncio.gather(reading, return_exceptions=True)
        assert isinstance(result, BrokenOff)
        async with asyncio.timeout(10):
            while server.open:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
