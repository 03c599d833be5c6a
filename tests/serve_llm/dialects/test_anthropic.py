"""Anthropic's own client, sync and async, against the daemon: every provider, whole and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest
import pytest_asyncio
from anthropic.types import Message, TextBlock, ToolUseBlock

from tests.serve_llm.asking import until
from tests.serve_llm.dialects.conftest import Daemon
from tests.serve_llm.dialects.little_model import COMPLETION_TOKENS, KEY, PNG, PROMPT_TOKENS, TEXT, THOUGHT

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = ("openai", "anthropic", "google", "ollama")
LOOK: Any = {
    "name": "look",
    "description": "Looks.",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}},
    "cache_control": {"type": "ephemeral"},
}
WAIT: Any = {"name": "wait", "type": "custom", "input_schema": {"type": "object", "properties": {}}}
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}
IMAGE: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(daemon: Daemon) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Give Anthropic's async client of the socket."""
    transport = httpx2.AsyncHTTPTransport(uds=daemon.socket)
    async with anthropic.AsyncAnthropic(
        base_url="http://localhost",
        api_key="unused",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
    ) as opened:
        yield opened


def says(text: str) -> list[Any]:
    """Return a conversation in which the user says *text*."""
    return [{"role": "user", "content": text}]


def text_of(message: Message) -> str:
    """Return the text of *message*."""
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


async def answered(client: anthropic.AsyncAnthropic, *, stream: bool, **asked: Any) -> Message:
    """Return the message that answers, put together by the client if it is streamed."""
    if not stream:
        whole: Message = await client.messages.create(max_tokens=2000, **asked)
        return whole
    async with client.messages.stream(max_tokens=2000, **asked) as opened:
        return await opened.get_final_message()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str, *, stream: bool) -> None:
    """Text, stop reason and tokens are the model's."""
    model = daemon[kind].model
    system: Any = [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]
    message = await answered(client, stream=stream, model=model, messages=says("Hi"), system=system)
    assert (message.type, message.role, message.model, message.stop_reason) == (
        "message",
        "assistant",
        model,
        "end_turn",
    )
    assert text_of(message) == TEXT
    usage = message.usage
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == PROMPT_TOKENS
    assert usage.output_tokens == COMPLETION_TOKENS


@pytest.mark.parametrize("kind", KINDS)
async def test_the_events_of_a_stream(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """Each block begins and ends, one after the other, inside one message."""
    stream = await client.messages.create(
        model=daemon[kind].model, max_tokens=2000, messages=says("both"), tools=[LOOK, WAIT], stream=True
    )
    events = [event async for event in stream]
    names = [event.type for event in events if event.type != "content_block_delta"]
    blocks = ["content_block_start", "content_block_stop"] * 2
    assert [name for name in names if name in blocks][:4] == blocks
    assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])
    indexes = [event.index for event in events if event.type == "content_block_start"]
    assert indexes == list(range(len(indexes)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_tools_over_two_turns(
    daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str, *, stream: bool
) -> None:
    """Two calls come back, and the provider gets the results of both, with a picture and a word besides."""
    asked: Any = {"model": daemon[kind].model, "tools": [LOOK, WAIT], "tool_choice": {"type": "auto"}}
    message = await answered(client, stream=stream, messages=says("both please"), **asked)
    assert message.stop_reason == "tool_use"
    calls = [block for block in message.content if isinstance(block, ToolUseBlock)]
    assert [(call.name, call.input) for call in calls] == [("look", {"at": "é"}), ("wait", {"at": "é"})]
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": "a wall"},
        {"type": "tool_result", "tool_use_id": calls[1].id, "content": [{"type": "text", "text": "a wall"}]},
    ]
    messages = [*says("both please"), message.to_param(), {"role": "user", "content": results}]
    assert text_of(await answered(client, stream=stream, messages=messages, **asked)) == "It is a wall."


async def test_googles_signature_makes_the_round(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """What Google wants back with a call gets there through Anthropic's client, unchanged."""
    asked: Any = {"model": daemon["google"].model, "tools": [LOOK]}
    for stream in (True, False):
        message = await answered(client, stream=stream, messages=says("look"), **asked)
        (call,) = [block for block in message.content if isinstance(block, ToolUseBlock)]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "a wall"}
        messages = [*says("look"), message.to_param(), {"role": "user", "content": [result]}]
        await answered(client, stream=stream, messages=messages, **asked)
        _, said, _ = daemon["google"].last.json()["contents"]
        assert said["parts"][0]["thoughtSignature"] == "c2lnbmVk"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_thinking_is_shown_to_those_who_ask(
    daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str, *, stream: bool
) -> None:
    """It comes first, signed, and goes back in the next turn."""
    asked: Any = {"model": daemon[kind].model, "thinking": THINKING}
    message = await answered(client, stream=stream, messages=says("think hard"), **asked)
    first = message.content[0]
    assert first.type == "thinking"
    assert first.thinking == THOUGHT
    assert first.signature
    assert text_of(message) == TEXT
    messages = [*says("think hard"), message.to_param(), *says("Hi")]
    assert text_of(await answered(client, stream=stream, messages=messages, **asked)) == TEXT
    if kind == "anthropic":
        _, said, _ = daemon["anthropic"].last.json()["messages"]
        assert said["content"][0] == {"type": "thinking", "thinking": THOUGHT, "signature": "signed"}


@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_unasked_thinking_is_not_shown(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """Who has not asked for it finds the text in the first block."""
    message = await answered(client, stream=False, model=daemon[kind].model, messages=says("think hard"))
    (first,) = message.content
    assert first.type == "text"


async def test_anthropic_never_gets_what_was_marked_here(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """A conversation begun elsewhere goes on at Anthropic without the blocks that it would refuse."""
    asked: Any = {"thinking": THINKING}
    elsewhere = await answered(client, stream=False, model=daemon["ollama"].model, messages=says("think hard"), **asked)
    there = await answered(client, stream=False, model=daemon["anthropic"].model, messages=says("think hard"), **asked)
    messages = [*says("think"), elsewhere.to_param(), *says("more"), there.to_param(), *says("Hi")]
    for stream in (True, False):
        message = await answered(client, stream=stream, model=daemon["anthropic"].model, messages=messages, **asked)
        assert text_of(message) == TEXT
        _, first, _, second, _ = daemon["anthropic"].last.json()["messages"]
        assert [block["type"] for block in first["content"]] == ["text"]
        assert [block["type"] for block in second["content"]] == ["thinking", "text"]
        assert second["content"][0]["signature"] == "signed"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """The provider is held to the schema."""
    config: Any = {"format": {"type": "json_schema", "schema": SCHEMA}}
    message = await answered(
        client, stream=False, model=daemon[kind].model, messages=says("Four?"), output_config=config
    )
    assert json.loads(text_of(message)) == {"answer": 4}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_image(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """A picture gets to the provider."""
    content: Any = [{"type": "text", "text": "What is it?"}, IMAGE]
    message = await answered(
        client, stream=False, model=daemon[kind].model, messages=[{"role": "user", "content": content}]
    )
    assert text_of(message) == "I see image/png."


async def test_an_image_in_a_result_is_shown_after_it(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """OpenAI's results are text only, so the picture follows as the user's."""
    call = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [IMAGE]}
    messages: list[Any] = [
        *says("look"),
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    message = await answered(client, stream=False, model=daemon["openai"].model, messages=messages)
    assert text_of(message) == "I see image/png."
    *_, told, shown = daemon["openai"].last.json()["messages"]
    assert (told["role"], told["content"], shown["role"]) == ("tool", "(shown below)", "user")


@pytest.mark.parametrize("kind", ["anthropic", "google"])
async def test_counting_tokens(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """The provider's own count."""
    counted = await client.messages.count_tokens(model=daemon[kind].model, messages=says("Hi"), tools=[LOOK])
    assert counted.input_tokens == 42


async def test_what_cannot_be_counted(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """Who does not count beforehand is not guessed for."""
    with pytest.raises(anthropic.BadRequestError, match="cannot count tokens"):
        await client.messages.count_tokens(model=daemon["ollama"].model, messages=says("Hi"))


async def test_models(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """Anthropic's client lists and shows the models of all providers."""
    listed = [model.id async for model in client.models.list()]
    assert {f"{kind}/{daemon[kind].model}" for kind in KINDS} <= set(listed)
    assert (await client.models.retrieve("anthropic/m-anthropic")).display_name == "m-anthropic"
    with pytest.raises(anthropic.NotFoundError) as caught:
        await client.models.retrieve("nobody")
    assert caught.value.type == "not_found_error"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "refused",
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
async def test_a_refusal_of_the_provider(
    daemon: Daemon,
    client: anthropic.AsyncAnthropic,
    kind: str,
    refused: tuple[int, type[anthropic.APIStatusError], str],
) -> None:
    """The client raises what it would at Anthropic, with the provider's message and without the key."""
    status, raised, type_ = refused
    for stream in (True, False):
        with pytest.raises(raised, match="is wrong") as caught:
            await answered(client, stream=stream, model=daemon[kind].model, messages=says(f"refuse {status}"))
        assert caught.value.status_code == status
        assert KEY not in caught.value.response.text
        assert caught.value.response.headers["retry-after"] == "7"
        body: Any = caught.value.body
        assert body["type"] == "error"
        assert body["error"]["type"] == ("some_error" if kind == "anthropic" else type_)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "Anthropic's own"),
        ({"messages": [{"role": "user", "content": [{"type": "server_tool_use"}]}]}, "server_tool_use"),
        ({"container": "c1"}, "does not know `container`"),
        ({"mcp_servers": [{"name": "x"}]}, "does not know `mcp_servers`"),
    ],
)
async def test_what_another_provider_cannot_do_is_refused(
    daemon: Daemon, client: anthropic.AsyncAnthropic, asked: Any, complaint: str
) -> None:
    """Nothing that changes the answer is dropped in silence."""
    with pytest.raises(anthropic.BadRequestError, match=complaint):
        await answered(client, stream=False, model=daemon["openai"].model, messages=says("Hi"), extra_body=asked)


async def test_a_setting_goes_by_the_providers_own_name(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """What several providers have, under different names, gets to each."""
    for kind, find in (("google", ("generationConfig", "topK")), ("ollama", ("options", "top_k"))):
        asked: Any = {"model": daemon[kind].model, "messages": says("Hi"), "extra_body": {"top_k": 3}}
        await answered(client, stream=False, **asked)
        assert daemon[kind].last.json()[find[0]][find[1]] == 3


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_breaks_off(daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str) -> None:
    """What was said is given, and then the client raises."""
    texts: list[str] = []

    async def listen() -> None:
        async with client.messages.stream(model=daemon[kind].model, max_tokens=9, messages=says("break off")) as stream:
            async for text in stream.text_stream:
                texts.append(text)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(anthropic.APIStatusError, match="closed the connection"):
        await listen()
    assert texts
    assert "Hello".startswith("".join(texts))


@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_ends_the_call_at_the_provider(
    daemon: Daemon, client: anthropic.AsyncAnthropic, kind: str
) -> None:
    """A client that goes away frees the model."""
    provider = daemon[kind]
    for stream, text in ((False, "wait"), (True, "wait"), (True, "say and wait")):
        provider.waiting.clear()
        asking = asyncio.create_task(
            client.messages.create(model=provider.model, max_tokens=9, messages=says(text), stream=stream)
        )
        await until(lambda: bool(provider.waiting))
        if text == "wait":
            asking.cancel()
        else:
            opened: Any = await asking
            await opened.close()
        await until(provider.waiting[0].gone.is_set)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sync_client(daemon: Daemon, kind: str) -> None:
    """The client without async does the same."""

    def talk() -> tuple[str, str]:
        transport = httpx2.HTTPTransport(uds=daemon.socket)
        with anthropic.Anthropic(
            base_url="http://localhost", api_key="x", max_retries=0, http_client=httpx2.Client(transport=transport)
        ) as client:
            asked: Any = {"model": daemon[kind].model, "max_tokens": 9, "messages": says("Hi")}
            with client.messages.stream(**asked) as stream:
                streamed = text_of(stream.get_final_message())
            return text_of(client.messages.create(**asked)), streamed

    assert await asyncio.to_thread(talk) == (TEXT, TEXT)


async def test_features_that_a_client_wants_to_try(daemon: Daemon, client: anthropic.AsyncAnthropic) -> None:
    """The names of beta features get to Anthropic, with the daemon's own key."""
    await client.beta.messages.create(
        model=daemon["anthropic"].model, max_tokens=9, messages=says("Hi"), betas=["one-2026-01-01"]
    )
    headers = daemon["anthropic"].last.headers
    assert headers["anthropic-beta"] == "one-2026-01-01"
    assert headers["x-api-key"] == KEY


async def test_errors_of_methods_and_bodies(daemon: Daemon) -> None:
    """A wrong method, and a body that is no JSON or without a model: all in Anthropic's shape."""
    transport = httpx2.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for asking, status in (
            (http.get("/v1/messages"), 405),
            (http.post("/v1/messages", content=b"{"), 400),
            (http.post("/v1/messages/count_tokens", json={"messages": []}), 400),
        ):
            answer = await asking
            assert answer.status_code == status
            assert answer.json()["type"] == "error"
            assert answer.json()["error"]["type"] == "invalid_request_error"
