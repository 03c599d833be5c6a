"""OpenAI's own client, sync and async, against the daemon: every provider, whole and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
import pytest_asyncio
from openai.types.chat import ChatCompletionChunk

from tests.serve_llm.asking import until
from tests.serve_llm.dialects.conftest import Daemon
from tests.serve_llm.dialects.little_model import COMPLETION_TOKENS, KEY, PNG, PROMPT_TOKENS, TEXT, THOUGHT
from tests.serve_llm.dialects.little_providers import VECTORS

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = ("openai", "anthropic", "google", "ollama")
LOOK = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
WAIT = {"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(daemon: Daemon) -> AsyncIterator[openai.AsyncOpenAI]:
    """Give OpenAI's async client of the socket."""
    transport = httpx2.AsyncHTTPTransport(uds=daemon.socket)
    async with openai.AsyncOpenAI(
        base_url="http://localhost/v1",
        api_key="unused",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
    ) as opened:
        yield opened


def says(text: str) -> list[Any]:
    """Return a conversation in which the user says *text*."""
    return [{"role": "user", "content": text}]


class Streamed:
    """What the chunks of a stream add up to."""

    def __init__(self, chunks: list[ChatCompletionChunk]) -> None:
        self.chunks = chunks
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        self.text = "".join(delta.content or "" for delta in deltas)
        self.reasoning = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
        self.calls: dict[int, list[str]] = {}
        for delta in deltas:
            for call in delta.tool_calls or ():
                written = self.calls.setdefault(call.index, [call.id or "", "", ""])
                assert call.function
                written[1] += call.function.name or ""
                written[2] += call.function.arguments or ""
        self.reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        self.usages = [chunk.usage for chunk in chunks if chunk.usage]


async def streamed(client: openai.AsyncOpenAI, **asked: Any) -> Streamed:
    """Return all of a streamed completion."""
    return Streamed([chunk async for chunk in await client.chat.completions.create(stream=True, **asked)])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_whole_answer(daemon: Daemon, client: openai.AsyncOpenAI, kind: str) -> None:
    """Text, finish reason and tokens are the model's."""
    answer = await client.chat.completions.create(model=daemon[kind].model, messages=says("Hi"))
    assert answer.object == "chat.completion"
    assert answer.model == daemon[kind].model
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", TEXT, "stop")
    assert answer.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (PROMPT_TOKENS, COMPLETION_TOKENS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_usage", [True, False])
async def test_a_streamed_answer(daemon: Daemon, client: openai.AsyncOpenAI, kind: str, *, with_usage: bool) -> None:
    """The chunks add up to the same; the tokens come only if asked for, in a chunk without choices."""
    options: Any = {"stream_options": {"include_usage": True}} if with_usage else {}
    got = await streamed(client, model=daemon[kind].model, messages=says("Hi"), **options)
    assert got.text == TEXT
    assert got.reasons == ["stop"]
    assert len({chunk.id for chunk in got.chunks}) == 1
    assert [usage.completion_tokens for usage in got.usages] == ([COMPLETION_TOKENS] if with_usage else [])
    assert all(chunk.choices for chunk in got.chunks[:-1])
    assert bool(got.chunks[-1].choices) is not with_usage


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_tools_over_two_turns(daemon: Daemon, client: openai.AsyncOpenAI, kind: str, *, stream: bool) -> None:
    """Two calls come back with their ids, and the provider gets the results of both."""
    messages = says("both please")
    asked: Any = {"model": daemon[kind].model, "tools": [LOOK, WAIT]}
    if stream:
        got = await streamed(client, messages=messages, **asked)
        assert got.reasons == ["tool_calls"]
        made = [tuple(call) for _, call in sorted(got.calls.items())]
    else:
        (choice,) = (await client.chat.completions.create(messages=messages, **asked)).choices
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
        made = [
            (call.id, call.function.name, call.function.arguments)
            for call in choice.message.tool_calls or ()
            if call.type == "function"
        ]
    assert [(name, json.loads(arguments)) for _, name, arguments in made] == [
        ("look", {"at": "é"}),
        ("wait", {"at": "é"}),
    ]
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in made
    ]
    assert len({call["id"] for call in calls}) == 2
    messages += [{"role": "assistant", "content": None, "tool_calls": calls}]
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "a wall"} for call in calls]
    answer = await client.chat.completions.create(messages=messages, **asked)
    assert answer.choices[0].message.content == "It is a wall."


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema(daemon: Daemon, client: openai.AsyncOpenAI, kind: str) -> None:
    """The provider is held to the schema."""
    asked: Any = {"model": daemon[kind].model, "response_format": FORMAT}
    answer = await client.chat.completions.create(messages=says("Four?"), **asked)
    assert json.loads(answer.choices[0].message.content or "") == {"answer": 4}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_image(daemon: Daemon, client: openai.AsyncOpenAI, kind: str) -> None:
    """A picture in a ``data:`` URL gets to the provider."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
    content: Any = [{"type": "text", "text": "What is it?"}, image]
    answer = await client.chat.completions.create(
        model=daemon[kind].model, messages=[{"role": "user", "content": content}]
    )
    assert answer.choices[0].message.content == "I see image/png."


@pytest.mark.parametrize("kind", KINDS)
async def test_reasoning_is_shown(daemon: Daemon, client: openai.AsyncOpenAI, kind: str) -> None:
    """What the model thinks has a field of its own, whole and streamed."""
    asked: Any = {"model": daemon[kind].model, "messages": says("think hard")}
    message = (await client.chat.completions.create(**asked)).choices[0].message
    assert message.content == TEXT
    assert (message.model_extra or {})["reasoning_content"] == THOUGHT
    assert (await streamed(client, **asked)).reasoning == THOUGHT


async def test_what_anthropic_signs_comes_back_with_the_message(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """Who sends the message back as it was gives Anthropic its signed thinking."""
    model = daemon["anthropic"].model
    (choice,) = (await client.chat.completions.create(model=model, messages=says("think hard"))).choices
    messages: list[Any] = [*says("think hard"), choice.message.model_dump(exclude_none=True), *says("And?")]
    await client.chat.completions.create(model=model, messages=messages)
    _, said, _ = daemon["anthropic"].last.json()["messages"]
    assert said["content"][0] == {"type": "thinking", "thinking": THOUGHT, "signature": "signed"}


@pytest.mark.parametrize("stream", [True, False])
async def test_what_belongs_to_a_call_is_remembered(
    daemon: Daemon, client: openai.AsyncOpenAI, *, stream: bool
) -> None:
    """A client that sends calls back by id, name and arguments alone does not break a conversation that is signed."""
    for kind in ("anthropic", "google"):
        asked: Any = {"model": daemon[kind].model, "tools": [LOOK]}
        if stream:
            id_ = (await streamed(client, messages=says("think hard"), **asked)).calls[0][0]
        else:
            (choice,) = (await client.chat.completions.create(messages=says("think hard"), **asked)).choices
            id_ = (choice.message.tool_calls or [])[0].id
        call = {"id": id_, "type": "function", "function": {"name": "look", "arguments": '{"at": "é"}'}}
        messages: list[Any] = [
            *says("think hard"),
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id_, "content": "a wall"},
        ]
        await client.chat.completions.create(messages=messages, **asked)
        sent = daemon[kind].last.json()
        if kind == "anthropic":
            signed = {"type": "thinking", "thinking": THOUGHT, "signature": "signed"}
            assert sent["messages"][1]["content"][0] == signed
        else:
            assert sent["contents"][1]["parts"][0]["thoughtSignature"] == "c2lnbmVk"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_of_the_provider(
    daemon: Daemon,
    client: openai.AsyncOpenAI,
    kind: str,
    status: int,
    raised: type[openai.APIStatusError],
    *,
    stream: bool,
) -> None:
    """The client raises what it would at OpenAI, with the provider's message and without the key."""
    asked: Any = {"model": daemon[kind].model, "stream": stream}
    with pytest.raises(raised, match="is wrong") as caught:
        await client.chat.completions.create(messages=says(f"refuse {status}"), **asked)
    assert caught.value.status_code == status
    assert KEY not in caught.value.response.text
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.type
    if kind == "openai":
        assert caught.value.code == "context_length_exceeded"


async def test_an_unknown_model(client: openai.AsyncOpenAI) -> None:
    """A name that nobody knows is OpenAI's own "model_not_found"."""
    with pytest.raises(openai.NotFoundError, match="no provider has the model") as caught:
        await client.chat.completions.create(model="nobody", messages=says("Hi"))
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nobody/nothing")


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"n": 2}, "does not know `n`"),
        ({"logprobs": True}, "does not know `logprobs`"),
        ({"logit_bias": {"50256": -100}}, "does not know `logit_bias`"),
        ({"web_search_options": {}}, "does not know `web_search_options`"),
        ({"functions": [{"name": "look"}]}, "from before `tools`"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "content"),
        ({"temperature": -1}, "temperature"),
        ({"extra_body": {"new_thing": 1}}, "does not know `new_thing`"),
    ],
)
async def test_what_only_openai_can_do_is_refused(
    daemon: Daemon, client: openai.AsyncOpenAI, asked: Any, complaint: str
) -> None:
    """Nothing that changes the answer is dropped in silence."""
    with pytest.raises(openai.BadRequestError, match=complaint) as caught:
        await client.chat.completions.create(**{"model": daemon["ollama"].model, "messages": says("Hi"), **asked})
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param


async def test_what_changes_nothing_is_taken(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """Fields by which OpenAI's customers are told apart, and the usual values of others, do no harm."""
    await client.chat.completions.create(
        model=daemon["ollama"].model,
        messages=[{"role": "developer", "content": "Be kind."}, *says("Hi")],
        user="me",
        metadata={"a": "b"},
        store=False,
        n=1,
        frequency_penalty=0.5,
        max_completion_tokens=7,
        service_tier="auto",
        extra_body={"keep_alive": "1h", "num_ctx": 4096},
    )
    sent = daemon["ollama"].last.json()
    assert sent["options"] == {"num_predict": 7, "frequency_penalty": 0.5, "num_ctx": 4096}
    assert sent["keep_alive"] == "1h"
    assert sent["messages"][0] == {"role": "system", "content": "Be kind."}


async def test_models(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """Every model is listed by its full name, and aliases; one is shown by any name, with slashes or without."""
    listed = [model.id async for model in client.models.list()]
    assert {f"{kind}/{daemon[kind].model}" for kind in KINDS} | {"openai/org/m-openai", "fast"} == set(listed)
    for name in ("m-openai", "openai/org/m-openai", "org/m-openai", "fast"):
        shown = await client.models.retrieve(name)
        assert shown.id in {"openai/m-openai", "openai/org/m-openai", "fast"}
        assert (shown.object, shown.owned_by) == ("model", "openai")


@pytest.mark.parametrize("kind", ["openai", "google", "ollama"])
@pytest.mark.parametrize("encoding", ["float", "base64", None])
async def test_embeddings(daemon: Daemon, client: openai.AsyncOpenAI, kind: str, encoding: Any) -> None:
    """Vectors come back in either form."""
    options = {} if encoding is None else {"encoding_format": encoding}
    answer = await client.embeddings.create(model=daemon[kind].model, input=["a", "b"], **options)
    vectors = [entry.embedding for entry in answer.data]
    if encoding == "base64":
        assert all(isinstance(vector, str) for vector in vectors)
    else:
        assert vectors == VECTORS


async def test_what_cannot_be_embedded(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """A provider without embeddings, tokens, and nothing at all are refused."""
    with pytest.raises(openai.BadRequestError, match="anthropic has no embeddings"):
        await client.embeddings.create(model=daemon["anthropic"].model, input="a")
    with pytest.raises(openai.BadRequestError, match="tokens"):
        await client.embeddings.create(model=daemon["ollama"].model, input=[1, 2])
    with pytest.raises(openai.BadRequestError, match="no text"):
        await client.embeddings.create(model=daemon["ollama"].model, input=[])


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_breaks_off(daemon: Daemon, client: openai.AsyncOpenAI, kind: str) -> None:
    """What was said is given, and then the client raises."""
    texts: list[str] = []

    async def listen() -> None:
        stream = await client.chat.completions.create(model=daemon[kind].model, messages=says("break off"), stream=True)
        async for chunk in stream:
            texts.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - what came before the error counts

    with pytest.raises(openai.APIError, match="closed the connection"):
        await listen()
    assert "".join(texts)
    assert "Hello".startswith("".join(texts))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", ["whole", "before the first", "in the middle"])
async def test_leaving_ends_the_call_at_the_provider(
    daemon: Daemon, client: openai.AsyncOpenAI, kind: str, phase: str
) -> None:
    """A client that goes away frees the model, in all three phases."""
    provider = daemon[kind]
    provider.waiting.clear()
    asked: Any = {"model": provider.model, "stream": phase != "whole"}
    text = "say and wait" if phase == "in the middle" else "wait"
    stream = asyncio.create_task(client.chat.completions.create(messages=says(text), **asked))
    if phase == "in the middle":
        await (await stream).close()
    else:
        await until(lambda: bool(provider.waiting))
        stream.cancel()
    await until(lambda: bool(provider.waiting) and provider.waiting[0].gone.is_set())


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sync_client(daemon: Daemon, kind: str) -> None:
    """The client without async does the same."""

    def talk() -> tuple[str | None, str]:
        transport = httpx2.HTTPTransport(uds=daemon.socket)
        with openai.OpenAI(
            base_url="http://localhost/v1", api_key="x", max_retries=0, http_client=httpx2.Client(transport=transport)
        ) as client:
            whole = client.chat.completions.create(model=daemon[kind].model, messages=says("Hi"))
            chunks = list(client.chat.completions.create(model=daemon[kind].model, messages=says("Hi"), stream=True))
            return whole.choices[0].message.content, Streamed(chunks).text

    assert await asyncio.to_thread(talk) == (TEXT, TEXT)


async def test_the_clients_own_accumulator(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """What the client puts together of a stream by itself is the whole answer, signatures and all."""
    async with client.chat.completions.stream(model=daemon["anthropic"].model, messages=says("think hard")) as stream:
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content == TEXT


async def test_errors_of_paths_and_methods(daemon: Daemon, client: openai.AsyncOpenAI) -> None:
    """Paths that are not served, wrong methods, bodies too large or no JSON: all in OpenAI's shape."""
    transport = httpx2.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for asking, status in (
            (http.post("/v1/responses", json={}), 404),
            (http.get("/v1/files/abc/content"), 404),
            (http.get("/v1/chat/completions"), 405),
            (http.post("/v1/chat/completions", content=b"{"), 400),
            (http.post("/v1/chat/completions", content=b" " * (32 * 1024 * 1024 + 1)), 413),
        ):
            answer = await asking
            assert answer.status_code == status
            error = answer.json()["error"]
            assert error["message"]
            assert error["type"] == "invalid_request_error"
