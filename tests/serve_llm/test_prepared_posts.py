"""A prepared request is what aiohttp's own session would send, and its connection comes to the same end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import ClientSession, ClientTimeout
from yarl import URL

from hecate.serve_llm.prepared_posts import PreparedPosts
from tests.fakes.scripted_server import Exchange, ScriptedServer

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-secret"}
BODY = b'{"model": "m"}'


async def answers(exchange: Exchange) -> None:
    """Answer at once."""
    await exchange.answer({"ok": True})


@asynccontextmanager
async def posting(
    server: ScriptedServer, path: str = "/v1/chat?beta=true", headers: Mapping[str, str] = HEADERS
) -> AsyncIterator[tuple[ClientSession, PreparedPosts]]:
    """Open a session as the gateway does, and prepare requests to *path*."""
    async with ClientSession(headers={"Accept-Encoding": "identity", "User-Agent": "hecate"}) as session:
        yield session, PreparedPosts(session, URL(server.url + path), headers, ClientTimeout(total=None, connect=0.2))


async def test_it_is_what_the_session_would_send() -> None:
    """The same line, headers and body, also with headers of its own, in any case."""
    own = {"content-type": "application/x", "anthropic-beta": "a,b", "Traceparent": "é"}
    async with ScriptedServer(answers) as server, posting(server) as (session, posts):
        for more in ({}, own):
            async with await posts.send(BODY, more) as answer:
                assert await answer.json() == {"ok": True}
            usual = {name: value for name, value in HEADERS.items() if name.lower() not in more}
            async with session.post(server.url + "/v1/chat?beta=true", data=BODY, headers={**usual, **more}) as answer:
                assert await answer.json() == {"ok": True}
    for ours, theirs in zip(server.exchanges[::2], server.exchanges[1::2], strict=True):
        assert (ours.method, ours.path, ours.body) == (theirs.method, theirs.path, theirs.body)
        assert ours.headers == theirs.headers
    assert server.connections == 1, "it is kept for the next"


@pytest.mark.parametrize("host", ["gateway.example", "gateway.example:8080"])
async def test_a_host_of_the_accounts_own(host: str) -> None:
    """Behind a proxy the configuration may name another one."""
    async with ScriptedServer(answers) as server, posting(server, headers={**HEADERS, "host": host}) as (_, posts):
        (await posts.send(BODY)).release()
    assert server.exchanges[0].headers["host"] == host


@pytest.mark.parametrize("header", [{"X-A": "1\r\nX-B: 2"}, {"X-A\n": "1"}, {"X-A": "\0"}])
async def test_no_header_becomes_two(header: dict[str, str]) -> None:
    """What the configuration or a caller gives stays one header, and is not repeated with what it says."""
    async with ScriptedServer(answers) as server:
        async with posting(server) as (_, posts):
            with pytest.raises(ValueError, match="line break"):
                await posts.send(BODY, header)
        with pytest.raises(ValueError, match="line break"):
            async with posting(server, headers=header):
                pass
    assert not server.exchanges


async def test_a_long_body_arrives_whole() -> None:
    """Many times what a socket takes at once."""
    body = bytes(range(256)) * 4 * 8192
    async with ScriptedServer(answers) as server, posting(server) as (_, posts), await posts.send(body) as answer:
        assert answer.status == 200
    assert server.exchanges[0].body == body


async def test_whoever_gives_up_closes_the_connection() -> None:
    """Before the answer, so that the provider stops as well."""
    begun = asyncio.Event()

    async def waits(exchange: Exchange) -> None:
        begun.set()
        await exchange.gone.wait()

    async with ScriptedServer(waits) as server, posting(server) as (session, posts):
        asking = asyncio.create_task(posts.send(BODY))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.exchanges[0].gone.wait()
        assert session.connector is not None
        assert not session.connector._acquired


async def test_no_answer() -> None:
    """The error says how the connection ended, and not what the key is."""

    async def hangs_up(exchange: Exchange) -> None:
        exchange.hang_up()

    async with ScriptedServer(hangs_up) as server, posting(server) as (_, posts):
        with pytest.raises(aiohttp.ServerDisconnectedError) as caught:
            await posts.send(BODY)
    assert "sk-secret" not in f"{caught.value!r} {vars(caught.value)}"


async def test_what_is_no_http_is_told_without_the_key() -> None:
    """Errors of aiohttp have the request's headers in them, as it was told them."""

    async def says_something(exchange: Exchange) -> None:
        await exchange.raw(b"220 mail.example ESMTP\r\n\r\n")

    async with ScriptedServer(says_something) as server, posting(server) as (_, posts):
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await posts.send(BODY)
    assert "sk-secret" not in f"{caught.value!r} {vars(caught.value)}"


async def test_a_connection_that_is_lost_as_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given back, and the failure is one after which another is tried."""
    monkeypatch.setattr("aiohttp.connector.Connection.transport", None)
    async with ScriptedServer(answers) as server, posting(server) as (session, posts):
        with pytest.raises(aiohttp.ClientOSError):
            await posts.send(BODY)
        assert session.connector is not None
        assert not session.connector._acquired


async def test_a_place_that_takes_no_connection() -> None:
    """The deadline for connections holds, and its error is told from that of a slow answer."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(address)
        async with ClientSession() as session:
            posts = PreparedPosts(session, URL(f"http://127.0.0.1:{address[1]}/"), {}, ClientTimeout(connect=0.2))
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await posts.send(BODY)
        for one in waiting:
            one.close()
