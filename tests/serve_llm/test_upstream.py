"""Requests of an account by the way that it names: straight, through a proxy, or with a name and a password."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import encode_basic_auth

from hecate.serve_llm.connections import Connections
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.upstream import Upstream
from tests.fakes.scripted_server import Exchange, ScriptedServer

BODY = b'{"model": "m"}'
KEY = {"Authorization": "Bearer sk-1"}


async def answers(exchange: Exchange) -> None:
    """Answer at once."""
    await exchange.answer({"ok": True})


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    """Give a pool, and close it."""
    pool = Connections()
    yield pool
    await pool.close()


async def test_through_a_proxy(connections: Connections) -> None:
    """It is asked for the whole address, and gets what the provider would get."""
    async with ScriptedServer(answers) as proxy:
        account = Account(name="far", kind="openai", base_url="http://models.example/v1", proxy=proxy.url)
        upstream = Upstream(account, connections, KEY)
        assert await upstream.ask("POST", "/chat", BODY) == b'{"ok": true}'
        assert await upstream.ask("GET", "/models") == b'{"ok": true}'
        with await upstream.send("POST", "/chat", BODY, headers={"authorization": "Bearer sk-2"}) as reply:
            assert await reply.whole() == b'{"ok": true}'
    posted, asked, otherwise = proxy.exchanges
    assert otherwise.headers["authorization"] == "Bearer sk-2"
    assert (posted.method, posted.path, posted.body) == ("POST", "http://models.example/v1/chat", BODY)
    assert (asked.method, asked.path) == ("GET", "http://models.example/v1/models")
    for exchange in (posted, asked):
        assert (exchange.headers["host"], exchange.headers["authorization"]) == ("models.example", "Bearer sk-1")
    assert posted.headers["content-type"] == "application/json"


async def test_a_name_and_a_password_in_the_address(connections: Connections) -> None:
    """They are sent as a browser sends them."""
    async with ScriptedServer(answers) as server:
        account = Account(name="gpu", kind="openai", base_url=server.url.replace("//", "//ann:secret@") + "/v1")
        await Upstream(account, connections, {}).ask("POST", "/chat", BODY)
    (posted,) = server.exchanges
    assert (posted.path, posted.headers["authorization"]) == ("/v1/chat", encode_basic_auth("ann", "secret"))


async def test_straight(connections: Connections) -> None:
    """With the account's headers, and those of the call in their place; on one connection."""
    async with ScriptedServer(answers) as server:
        account = Account(name="near", kind="openai", base_url=f"{server.url}/v1", headers={"X-Team": "a"})
        upstream = Upstream(account, connections, KEY)
        await upstream.ask("POST", "/chat", BODY)
        with await upstream.send("POST", "/chat", BODY, headers={"x-team": "b"}) as reply:
            assert await reply.whole() == b'{"ok": true}'
    assert [exchange.headers["x-team"] for exchange in server.exchanges] == ["a", "b"]
    assert server.connections == 1


async def test_a_kept_connection_that_was_closed_meanwhile(connections: Connections) -> None:
    """It is no failure of the provider: another one is made."""

    async def answers_once(exchange: Exchange) -> None:
        await exchange.answer({"ok": True})
        exchange.hang_up()

    async with ScriptedServer(answers_once) as server:
        upstream = Upstream(Account(name="near", kind="openai", base_url=server.url), connections, KEY)
        for _ in range(3):
            assert await upstream.ask("POST", "/chat", BODY) == b'{"ok": true}'
    assert server.connections == 3
