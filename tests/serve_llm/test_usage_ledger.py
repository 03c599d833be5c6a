"""Every call is kept account of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hecate.serve_llm.budgets import BudgetSettings
from hecate.serve_llm.settings import LlmSettings, ProviderSettings, Retries
from hecate.serve_llm.usage_settings import UsageSettings
from tests.fakes.scripted_server import ScriptedServer
from tests.rest.asgi import PEER
from tests.serve_llm.accounting import SAYS, Accounted, accounted, openai_like, priced
from tests.serve_llm.asking import OpenGateway, Serve, until

COST = 0.0034875
"""Of a call as `openai_like` answers it."""
HELLO = [{"role": "user", "content": "Hello!"}]
NATIVE: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}
PATHS: dict[str, dict[str, Any]] = {
    "/api/llm/chat": NATIVE,
    "/v1/chat/completions": NATIVE,
    "/v1/messages": {**NATIVE, "max_tokens": 100},
    "/api/chat": NATIVE,
}

Account = Callable[..., Awaitable[Accounted]]


@pytest.fixture
def account(serve: Serve, open_gateway: OpenGateway, tmp_path: Path) -> Account:
    """Open a gateway in front of a server that has OpenAI's prices."""

    async def start(**more: Any) -> Accounted:
        server = await serve(openai_like)
        llm = LlmSettings(aliases={"fast": "openai/gpt-4o"}, retries=Retries(attempts=1))
        gateway = await open_gateway({"openai": priced(server.url, **more)}, llm)
        return await accounted(gateway, tmp_path)

    return start


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", PATHS)
async def test_a_call_is_recorded(account: Account, path: str, *, stream: bool) -> None:
    """Through every API, streamed and not: who answered, how much it took, what it cost, for whom."""
    one = await account()
    began = time.time() * 1000
    reply = await one.ask(
        path,
        {**PATHS[path], "model": "fast", "stream": stream},
        x_hecate_venture="v-1",
        x_hecate_division="div-1",
        x_request_id="r-1",
    )
    assert reply.status == 200
    (call,) = await one.calls()
    assert (call.provider, call.model, call.asked_model, call.operation) == ("openai", "gpt-4o", "fast", "chat")
    assert (call.outcome, call.streamed) == ("ok", int(stream))
    assert (call.prompt_tokens, call.completion_tokens, call.cached_tokens) == (1000, 100, 10)
    assert call.cost_usd == pytest.approx(COST)
    assert (call.venture_id, call.division_id, call.uid, call.request_id) == ("v-1", "div-1", PEER.uid, "r-1")
    assert int(began) <= call.began_at <= time.time() * 1000
    assert call.first_piece_ms is not None
    assert call.overhead_ms is not None
    assert 0 <= call.first_piece_ms <= call.total_ms
    assert float(reply.headers["x-hecate-overhead-ms"]) == pytest.approx(call.overhead_ms, abs=0.001)


async def test_a_native_answer_says_what_it_cost(account: Account) -> None:
    """Whole, and in the last chunk of a stream, once the price is known, for which no answer waits; its record does."""
    one = await account()
    await one.ask("/api/llm/chat", NATIVE)
    assert [call.cost_usd for call in await one.calls()] == [pytest.approx(COST)]
    assert (await one.ask("/api/llm/chat", NATIVE)).json["cost_usd"] == COST
    streamed = await one.ask("/api/llm/chat", {**NATIVE, "stream": True})
    assert f'"cost_usd": {COST}'.encode() in streamed.body.split(b"\n\n")[-3]


async def test_fields_of_a_chat_win_over_headers(account: Account) -> None:
    """A chat can say itself what it is for."""
    one = await account()
    body = {**NATIVE, "venture_id": "v-2", "division_id": "div-2"}
    await one.ask("/api/llm/chat", body, x_hecate_venture="v-1", x_hecate_division="div-1")
    (call,) = await one.calls()
    assert (call.venture_id, call.division_id) == ("v-2", "div-2")


async def test_embeddings_are_recorded(account: Account) -> None:
    """As what they are."""
    one = await account()
    await one.ask("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "a text"})
    (call,) = await one.calls()
    assert (call.operation, call.outcome, call.prompt_tokens, call.completion_tokens) == ("embeddings", "ok", 7, 0)
    assert call.cost_usd == pytest.approx(7 * 0.02e-6)


async def test_an_unknown_price_is_unknown(account: Account) -> None:
    """Nothing is said of it, rather than 0."""
    one = await account()
    reply = await one.ask("/api/llm/chat", {**NATIVE, "model": "openai/own-model"})
    assert "cost_usd" not in reply.json
    (call,) = await one.calls()
    assert (call.prompt_tokens, call.cost_usd) == (1000, None)


@pytest.mark.parametrize("path", PATHS)
async def test_a_failed_call_is_recorded(account: Account, path: str) -> None:
    """With the code of its error, and no tokens: nobody knows."""
    one = await account()
    reply = await one.ask(path, {**PATHS[path], "messages": [{"role": "user", "content": "fail"}]})
    assert reply.status >= 400
    (call,) = await one.calls()
    assert (call.outcome, call.prompt_tokens, call.cost_usd, call.first_piece_ms) == ("provider_error", *[None] * 3)


async def test_each_attempt_is_recorded(serve: Serve, open_gateway: OpenGateway, tmp_path: Path) -> None:
    """Of a call that is made again."""

    async def broken(exchange: Any) -> None:
        await exchange.answer({"data": [{"id": "gpt-4o"}]} if exchange.method == "GET" else "{}", 200)

    server = await serve(broken)
    gateway = await open_gateway({"openai": priced(server.url)})
    one = await accounted(gateway, tmp_path)
    await one.ask("/api/llm/chat", NATIVE)
    assert [call.outcome for call in await one.calls()] == ["provider_error"] * len(server.posts)
    assert len(server.posts) > 1
    assert (one.ledger.open_calls, one.ledger.open_streams) == (0, 0)


@pytest.mark.parametrize("path", PATHS)
async def test_a_cancelled_call_is_recorded(account: Account, path: str) -> None:
    """What had been read of it is not known to have cost nothing."""
    one = await account()
    body = {**PATHS[path], "messages": [{"role": "user", "content": "wait"}], "stream": True}
    request = one.request(path, body)
    asking = asyncio.create_task(one.application(request.scope, request.receive, request.send))
    await request.answered.wait()
    assert (one.ledger.open_calls, one.ledger.open_streams) == (1, 1)
    request.hang_up()
    await asking
    (call,) = await one.calls()
    assert (call.outcome, call.prompt_tokens, call.cost_usd) == ("cancelled", None, None)
    assert call.first_piece_ms is not None
    assert (one.ledger.open_calls, one.ledger.open_streams) == (0, 0)


async def test_counting_tokens_is_no_call(serve: Serve, open_gateway: OpenGateway, tmp_path: Path) -> None:
    """It costs nothing, and no model has answered."""

    async def count(exchange: Any) -> None:
        answer: dict[str, Any] = {"data": []} if exchange.method == "GET" else {"input_tokens": 3}
        await exchange.answer(answer)

    server = await serve(count)
    gateway = await open_gateway({"anthropic": ProviderSettings(base_url=server.url, api_key="k")})
    one = await accounted(gateway, tmp_path)
    reply = await one.ask("/v1/messages/count_tokens", {"model": "anthropic/m1", "messages": HELLO})
    assert reply.json == {"input_tokens": 3}
    assert await one.calls() == []


async def test_messages_are_not_kept_unasked(account: Account) -> None:
    """Neither in the table nor anywhere else in the file."""
    one = await account()
    await one.ask("/api/llm/chat", {**NATIVE, "messages": [{"role": "user", "content": "a secret wish"}]})
    assert len(await one.calls()) == 1
    assert one.found("SELECT * FROM messages") == []
    files = b"".join(path.read_bytes() for path in one.store.path.parent.iterdir())
    assert b"secret wish" not in files
    assert b"How can I help" not in files


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/api/llm/chat", "/v1/chat/completions"])
async def test_messages_are_kept_where_that_is_wanted(account: Account, path: str, *, stream: bool) -> None:
    """The request as it came; of the answer the text, or what was passed through."""
    one = await account()
    one.ledger.configure(UsageSettings(store_messages=True), BudgetSettings())
    await one.ask(path, {**NATIVE, "stream": stream})
    await one.ledger.up_to_date()
    ((request, answer),) = one.found("SELECT request, answer FROM messages")
    assert '"Hello!"' in request
    assert all(word in answer for word in SAYS)
    if path == "/api/llm/chat":
        assert answer == "".join(SAYS)


async def test_a_spent_budget_warns(account: Account) -> None:
    """In the answer's ``warnings``, in a stream's last chunk, and in a header for those who know neither."""
    one = await account()
    one.ledger.configure(UsageSettings(), BudgetSettings(per_day_usd=0.003))
    first = await one.ask("/api/llm/chat", NATIVE)
    assert "warnings" not in first.json
    # What the first call of a model has cost is known a moment later.
    await one.ledger.up_to_date()
    second = await one.ask("/api/llm/chat", NATIVE)
    assert second.json["warnings"] == ["today's budget of 0.00 USD is spent: 0.00 USD so far"]
    assert second.headers["x-hecate-warning"] == second.json["warnings"][0]
    assert b"budget" in (await one.ask("/api/llm/chat", {**NATIVE, "stream": True})).body
    passed = await one.ask("/v1/chat/completions", NATIVE)
    assert (passed.status, "x-hecate-warning" in passed.headers) == (200, True)


@pytest.mark.parametrize("path", PATHS)
async def test_a_spent_budget_refuses(account: Account, path: str) -> None:
    """Before the provider is asked; the refused call is remembered too, and others' ventures are served."""
    one = await account()
    one.ledger.configure(UsageSettings(), BudgetSettings(per_venture_usd=0.003, on_exceeded="refuse"))
    assert (await one.ask(path, PATHS[path], x_hecate_venture="v-1")).status == 200
    # What the first call of a model has cost is known a moment later.
    await one.ledger.up_to_date()
    refused = await one.ask(path, PATHS[path], x_hecate_venture="v-1")
    assert refused.status == 402
    assert b"venture 'v-1'" in refused.body
    assert (await one.ask(path, PATHS[path], x_hecate_venture="v-2")).status == 200
    assert [call.outcome for call in await one.calls()] == ["ok", "budget_exceeded", "ok"]


async def test_what_was_spent_is_known_to_the_next_run(serve: Serve, open_gateway: OpenGateway, tmp_path: Path) -> None:
    """A restart is no way to more money."""
    server: ScriptedServer = await serve(openai_like)
    for spent in (0, COST):
        gateway = await open_gateway({"openai": priced(server.url)})
        one = await accounted(gateway, tmp_path)
        assert one.ledger.budgets.spent_today() == pytest.approx(spent)
        await one.ask("/api/llm/chat", NATIVE, x_hecate_venture="v-1")
        await one.ledger.up_to_date()
        assert one.ledger.budgets.spent_on("v-1") == pytest.approx(spent + COST)
        await one.ledger.close()


async def test_calls_are_written_by_themselves(account: Account) -> None:
    """Nobody has to ask for it."""
    one = await account()
    await one.ask("/api/llm/chat", NATIVE)
    await until(lambda: one.found("SELECT count(*) FROM calls") == [(1,)])


async def test_watchers_are_told_of_each_call(account: Account) -> None:
    """When it is known what it has cost."""
    one = await account()
    told: list[float | None] = []
    one.ledger.watchers.append(lambda entry: told.append(entry.cost_usd))
    await one.ask("/v1/chat/completions", NATIVE)
    await until(lambda: bool(told))
    assert told == [COST]


async def test_a_call_without_a_request_is_recorded(account: Account) -> None:
    """As when the daemon itself asks a model."""
    one = await account()
    provider, model = await one.gateway.target("gpt-4o")
    with one.ledger.begin(provider, model, streamed=False):
        pass
    (call,) = await one.calls()
    assert (call.asked_model, call.uid, call.request_id) == ("gpt-4o", None, "")
