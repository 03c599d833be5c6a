"""``POST /api/llm/chat``: what it takes, what it gives, and that leaving it ends the call at the provider."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange, ScriptedServer, silent
from tests.serve_llm.asking import (
    CHAT,
    GIVE_UP_SECONDS,
    OpenGateway,
    Serve,
    ask,
    chat,
    chat_stream,
    provider_that,
    streamed_chat,
    text_of,
    until,
    user_says,
)

MODEL = "openai/m1"
USAGE = {"prompt_tokens": 15, "completion_tokens": 8, "total_tokens": 23}
CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "é"}'}},
    {"id": "c2", "type": "function", "function": {"name": "wait", "arguments": ""}},
]


async def says_hello(exchange: Exchange) -> None:
    """Answer "Hello é!", in one piece or in three."""
    if not exchange.json()["stream"]:
        message = {"role": "assistant", "content": "Hello é!"}
        await exchange.answer({"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE})
        return
    await exchange.begin()
    for text in ("Hello", " é", "!"):
        await exchange.event({"choices": [{"index": 0, "delta": {"content": text}}]})
    await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    await exchange.event({"choices": [], "usage": USAGE})
    await exchange.event("[DONE]")
    await exchange.end()


async def calls_tools(exchange: Exchange) -> None:
    """Ask for two calls of tools, in pieces of two characters where it is a stream."""
    if not exchange.json()["stream"]:
        message = {"role": "assistant", "content": None, "tool_calls": CALLS}
        await exchange.answer({"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": USAGE})
        return
    await exchange.begin()
    for index, call in enumerate(CALLS):
        first = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}  # type: ignore[index]
        deltas = [first]
        text = call["function"]["arguments"]  # type: ignore[index]
        deltas += [{"index": index, "function": {"arguments": text[i : i + 2]}} for i in range(0, len(text), 2)]
        for delta in deltas:
            await exchange.event({"choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]})
    await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": USAGE})
    await exchange.event("[DONE]")
    await exchange.end()


async def served(serve: Serve, script: Any) -> tuple[ScriptedServer, dict[str, ProviderSettings]]:
    """Return a provider that acts as told, and the settings that lead to it."""
    server = await serve(provider_that(script))
    return server, {"openai": ProviderSettings(base_url=server.url)}


async def test_whole_answer(serve: Serve, open_gateway: OpenGateway) -> None:
    """The answer has the contract's fields, and those that older clients look for."""
    _, providers = await served(serve, says_hello)
    answer = await chat(await open_gateway(providers), model=MODEL)
    usage = {**USAGE, "cached_tokens": 0, "reasoning_tokens": 0}
    assert answer == {
        "ok": True,
        "content": "Hello é!",
        "model": "m1",
        "provider": "openai",
        "finish_reason": "stop",
        "usage": usage,
        "response": {
            "content": "Hello é!",
            "model": "m1",
            "message": {"role": "assistant", "content": "Hello é!"},
            "done": True,
            "stop_reason": "stop",
            "eval_count": 8,
            "prompt_eval_count": 15,
        },
    }


async def test_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """The stream has the contract's chunks, byte for byte, a last one without content, and the end mark."""
    _, providers = await served(serve, says_hello)
    stream = await chat_stream(await open_gateway(providers), model=MODEL)
    assert stream.media_type == "text/event-stream"
    async with aclosing(stream.pieces) as pieces:
        lines = b"".join([piece async for piece in pieces]).split(b"\n\n")
    assert lines[:3] == [
        b'data: {"content": "Hello", "done": false}',
        b'data: {"content": " \\u00e9", "done": false}',
        b'data: {"content": "!", "done": false}',
    ]
    assert lines[4:] == [b"data: [DONE]", b""]
    assert json.loads(lines[3].removeprefix(b"data: ")) == {
        "content": "",
        "done": True,
        "model": "m1",
        "provider": "openai",
        "finish_reason": "stop",
        "stop_reason": "stop",
        "usage": {**USAGE, "cached_tokens": 0, "reasoning_tokens": 0},
        "eval_count": 8,
        "prompt_eval_count": 15,
    }


async def test_tool_calls(serve: Serve, open_gateway: OpenGateway) -> None:
    """Tool calls come whole and in one chunk, however the provider cuts them."""
    _, providers = await served(serve, calls_tools)
    gateway = await open_gateway(providers)
    calls = [{"id": "c1", "name": "look", "arguments": {"at": "é"}}, {"id": "c2", "name": "wait"}]
    answer = await chat(gateway, model=MODEL)
    chunks = await streamed_chat(gateway, model=MODEL)
    assert answer["tool_calls"] == calls
    assert answer["finish_reason"] == "tool_calls"
    assert [chunk["tool_calls"] for chunk in chunks if "tool_calls" in chunk] == [calls]
    assert chunks[0]["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": {"at": "é"}}
    assert chunks[-1]["finish_reason"] == "tool_calls"


async def test_tool_calls_can_be_sent_back(serve: Serve, open_gateway: OpenGateway) -> None:
    """What an answer gives as tool calls is taken in the next request."""
    server, providers = await served(serve, calls_tools)
    gateway = await open_gateway(providers)
    calls = (await chat(gateway, model=MODEL))["tool_calls"]
    await chat(
        gateway,
        model=MODEL,
        messages=[
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
        ],
    )
    sent = server.posts[-1].json()["messages"][1]["tool_calls"]
    assert [json.loads(call["function"]["arguments"]) for call in sent] == [{"at": "é"}, {}]


async def test_unknown_fields_are_named(serve: Serve, open_gateway: OpenGateway) -> None:
    """A field that is not known is named in the warnings, streamed or not."""
    _, providers = await served(serve, says_hello)
    gateway = await open_gateway(providers)
    named = ["unknown field 'temprature' was ignored"]
    assert (await chat(gateway, model=MODEL, temprature=0.1))["warnings"] == named
    assert (await streamed_chat(gateway, model=MODEL, temprature=0.1))[-1]["warnings"] == named


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"model": ""}, "`$.model`"),
        ({"messages": []}, "`$.messages`"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "`$.messages[0].role`"),
        ({"messages": [{"role": "user"}]}, "`$.messages[0]`"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "`$.messages[0].content[0]`"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "data": "aaaa"}]}]}, "needs its `media_type`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "tool_call_id"),
        ({"temperature": "hot"}, "`$.temperature`"),
        ({"max_tokens": 0}, "`$.max_tokens`"),
        ({"timeout_seconds": 0}, "`$.timeout_seconds`"),
        ({"tools": [{"description": "nameless"}]}, "`$.tools[0]`"),
        ({"tool_choice": "look"}, "`$.tool_choice`"),
        ({"response_format": {"type": "json_schema"}}, "`$.response_format`"),
        ({"extra": {"stream": True}}, "`extra` must not set `stream`"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"id": "c9", "function": {"name": "f", "arguments": "[1]"}}]}
                ]
            },
            "tool call 'c9'",
        ),
    ],
)
async def test_wrong_requests(wrong: dict[str, Any], place: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """A wrong request is refused with the place, and the provider hears nothing of it."""
    server, providers = await served(serve, says_hello)
    with pytest.raises(Invalid) as caught:
        await chat(await open_gateway(providers), **{"model": MODEL, **wrong})
    assert place in str(caught.value)
    assert not server.posts


async def test_shapes_of_tools(serve: Serve, open_gateway: OpenGateway) -> None:
    """A tool in the gateway's shape and one in OpenAI's are sent alike."""
    server, providers = await served(serve, says_hello)
    gateway = await open_gateway(providers)
    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    neutral = {"name": "look", "description": "Looks.", "input_schema": schema}
    openai = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": schema}}
    await chat(gateway, model=MODEL, tools=[neutral, openai], tool_choice="look")
    sent = server.posts[-1].json()
    assert sent["tools"] == [openai, openai]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "look"}}


async def test_configured_options_and_extra(serve: Serve, open_gateway: OpenGateway) -> None:
    """The account's options are sent with every chat; the request's extra fields win over them."""
    server, _ = await served(serve, says_hello)
    settings = ProviderSettings(base_url=server.url, options={"user": "me", "top_k": 1})
    await chat(await open_gateway({"openai": settings}), model=MODEL, extra={"top_k": 2})
    sent = server.posts[-1].json()
    assert (sent["user"], sent["top_k"]) == ("me", 2)


async def test_alias(serve: Serve, open_gateway: OpenGateway) -> None:
    """An alias is another name for a model; the answer tells the real one."""
    _, providers = await served(serve, says_hello)
    gateway = await open_gateway(providers, LlmSettings(aliases={"fast": "quick", "quick": MODEL}))
    assert (await chat(gateway, model="fast"))["model"] == "m1"


async def speaks_and_waits(exchange: Exchange) -> None:
    """Say something, then nothing until the caller is gone."""
    await exchange.begin()
    await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hello"}}]})
    await exchange.gone.wait()


async def test_leaving_in_mid_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """Closing a stream between two pieces ends the call at the provider at once."""
    server, providers = await served(serve, speaks_and_waits)
    stream = await chat_stream(await open_gateway(providers), model=MODEL)
    assert b"Hello" in await anext(stream.pieces)
    await stream.pieces.aclose()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        await server.posts[-1].gone.wait()


async def test_leaving_while_waiting_in_mid_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """Cancelling who waits for the next piece ends the call at the provider at once."""
    server, providers = await served(serve, speaks_and_waits)
    stream = await chat_stream(await open_gateway(providers), model=MODEL)
    await anext(stream.pieces)
    await cancelled(asyncio.ensure_future(anext(stream.pieces)), server)


async def test_leaving_before_the_first_token(serve: Serve, open_gateway: OpenGateway) -> None:
    """Cancelling who waits for the first piece ends the call at the provider at once."""
    server, providers = await served(serve, silent)
    stream = await chat_stream(await open_gateway(providers), model=MODEL)
    await cancelled(asyncio.ensure_future(anext(stream.pieces)), server)


async def test_leaving_a_whole_answer(serve: Serve, open_gateway: OpenGateway) -> None:
    """Cancelling who waits for a whole answer ends the call at the provider at once."""
    server, providers = await served(serve, silent)
    gateway = await open_gateway(providers)
    await cancelled(asyncio.ensure_future(ask(gateway, CHAT, user_says(model=MODEL))), server)


async def cancelled(waiting: asyncio.Future[Any], server: ScriptedServer) -> None:
    """Cancel *waiting* once the provider has been asked to chat, and see the provider notice."""
    await until(lambda: bool(server.posts))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(GIVE_UP_SECONDS):
        await server.posts[-1].gone.wait()


async def test_connection_is_used_again(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream that has been read to its end mark leaves its connection for the next."""
    server, providers = await served(serve, says_hello)
    gateway = await open_gateway(providers)
    await gateway.models()
    for _ in range(5):
        assert text_of(await streamed_chat(gateway, model=MODEL)) == "Hello é!"
        await until(lambda: len(asyncio.all_tasks()) < 10)
    assert server.connections == 1


async def test_slow_reader_holds_the_provider_up(serve: Serve, open_gateway: OpenGateway) -> None:
    """What a caller does not read is not fetched from the provider: memory stays bounded."""
    sent = 0

    async def pours(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.begin()
        while not exchange.gone.is_set():
            await exchange.event({"choices": [{"index": 0, "delta": {"content": "x" * 10_000}}]})
            sent += 10_000

    server, providers = await served(serve, pours)
    stream = await chat_stream(await open_gateway(providers), model=MODEL)
    await anext(stream.pieces)
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(0.1)
    assert sent < 20_000_000
    await stream.pieces.aclose()
    await until(lambda: server.open <= 1)  # The other one has listed the models, and is kept.
