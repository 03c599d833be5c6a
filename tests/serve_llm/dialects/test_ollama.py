"""Ollama's own client, sync and async, against the daemon: every provider, whole and streamed."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama
import pytest
import pytest_asyncio

from tests.serve_llm.asking import until
from tests.serve_llm.dialects.conftest import Daemon
from tests.serve_llm.dialects.little_model import COMPLETION_TOKENS, KEY, PNG, PROMPT_TOKENS, TEXT, THOUGHT
from tests.serve_llm.dialects.little_providers import VECTORS

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = ("openai", "anthropic", "google", "ollama")
SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}


def look(at: str) -> str:
    """Look.

    Args:
        at: At what.
    """
    return f"a wall at {at}"


def wait(at: str) -> str:
    """Wait.

    Args:
        at: At what.
    """
    return f"waited at {at}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(daemon: Daemon) -> AsyncIterator[ollama.AsyncClient]:
    """Give Ollama's async client of the socket."""
    async with ollama.AsyncClient("http://localhost", transport=httpx.AsyncHTTPTransport(uds=daemon.socket)) as opened:
        yield opened


def says(text: str) -> list[Any]:
    """Return a conversation in which the user says *text*."""
    return [{"role": "user", "content": text}]


async def answered(client: ollama.AsyncClient, *, stream: bool, **asked: Any) -> ollama.ChatResponse:
    """Return the answer to a chat; if it is streamed, the last line with everything before put into it."""
    if not stream:
        whole: ollama.ChatResponse = await client.chat(**asked)
        return whole
    lines: list[ollama.ChatResponse] = [line async for line in await client.chat(stream=True, **asked)]
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    last = lines[-1]
    last.message.content = "".join(line.message.content or "" for line in lines)
    last.message.thinking = "".join(line.message.thinking or "" for line in lines) or None
    last.message.tool_calls = [call for line in lines for call in line.message.tool_calls or ()] or None
    return last


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_chat(daemon: Daemon, client: ollama.AsyncClient, kind: str, *, stream: bool) -> None:
    """Text, reason and tokens are the model's."""
    answer = await answered(client, stream=stream, model=daemon[kind].model, messages=says("Hi"))
    assert (answer.message.role, answer.message.content) == ("assistant", TEXT)
    assert (answer.model, answer.done, answer.done_reason) == (daemon[kind].model, True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (PROMPT_TOKENS, COMPLETION_TOKENS)
    assert answer.total_duration is not None
    assert answer.total_duration > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_generation(daemon: Daemon, client: ollama.AsyncClient, kind: str, *, stream: bool) -> None:
    """A prompt is answered; system and options get to the provider."""
    asked: Any = {
        "model": daemon[kind].model,
        "prompt": "think hard",
        "system": "Be kind.",
        "options": {"temperature": 0.5},
    }
    if stream:
        lines = [line async for line in await client.generate(stream=True, **asked)]
        answer = lines[-1]
        text = "".join(line.response or "" for line in lines)
        thought = "".join(line.thinking or "" for line in lines)
    else:
        answer = await client.generate(**asked)
        text, thought = answer.response or "", answer.thinking
    assert (text, thought) == (TEXT, THOUGHT)
    assert (answer.done, answer.done_reason, answer.eval_count) == (True, "stop", COMPLETION_TOKENS)
    assert "0.5" in daemon[kind].last.body.decode()
    assert "Be kind." in daemon[kind].last.body.decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
async def test_tools_over_two_turns(daemon: Daemon, client: ollama.AsyncClient, kind: str, *, stream: bool) -> None:
    """Two calls come back, and the provider gets each result under the id of its call, which the client lost."""
    asked: Any = {"model": daemon[kind].model, "tools": [look, wait]}
    answer = await answered(client, stream=stream, messages=says("both please"), **asked)
    calls = answer.message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("look", {"at": "é"}),
        ("wait", {"at": "é"}),
    ]
    messages = [*says("both please"), answer.message]
    messages += [{"role": "tool", "content": "a wall", "tool_name": name} for name in ("wait", "look")]
    again = await answered(client, stream=stream, messages=messages, **asked)
    assert again.message.content == "It is a wall."
    if kind == "openai":
        _, said, *told = daemon["openai"].last.json()["messages"]
        ids = [call["id"] for call in said["tool_calls"]]
        assert [result["tool_call_id"] for result in told] == ids[::-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("think", [True, False, "low", None])
async def test_thinking(daemon: Daemon, client: ollama.AsyncClient, kind: str, think: Any) -> None:
    """It is shown unless the client does not want it."""
    for stream in (True, False):
        answer = await answered(
            client, stream=stream, model=daemon[kind].model, messages=says("think hard"), think=think
        )
        assert answer.message.content == TEXT
        if kind != "ollama":  # What Ollama itself makes of it is its own affair.
            assert answer.message.thinking == (None if think is False else THOUGHT)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema(daemon: Daemon, client: ollama.AsyncClient, kind: str) -> None:
    """The provider is held to the schema."""
    answer = await answered(client, stream=False, model=daemon[kind].model, messages=says("Four?"), format=SCHEMA)
    assert json.loads(answer.message.content or "") == {"answer": 4}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_image(daemon: Daemon, client: ollama.AsyncClient, kind: str) -> None:
    """A picture gets to the provider, with its type, which the client does not tell."""
    message = {"role": "user", "content": "What is it?", "images": [b64decode(PNG)]}
    answer = await answered(client, stream=False, model=daemon[kind].model, messages=[message])
    assert answer.message.content == "I see image/png."
    generated = await client.generate(model=daemon[kind].model, prompt="What is it?", images=[b64decode(PNG)])
    assert generated.response == "I see image/png."


@pytest.mark.parametrize("kind", ["openai", "google", "ollama"])
async def test_embeddings(daemon: Daemon, client: ollama.AsyncClient, kind: str) -> None:
    """Vectors of several texts, and of one the older way."""
    answer = await client.embed(model=daemon[kind].model, input=["a", "b"], truncate=True, keep_alive="1h")
    assert answer.embeddings == VECTORS
    one = await client.embeddings(model=daemon[kind].model, prompt="a")
    assert one.embedding == VECTORS[0]


async def test_what_cannot_be_embedded(daemon: Daemon, client: ollama.AsyncClient) -> None:
    """A provider without embeddings says so."""
    with pytest.raises(ollama.ResponseError, match="anthropic has no embeddings") as caught:
        await client.embed(model=daemon["anthropic"].model, input="a")
    assert caught.value.status_code == 400


async def test_models(daemon: Daemon, client: ollama.AsyncClient) -> None:
    """Ollama's own models keep their names; the others have the provider's before theirs; all can be shown."""
    names = [model.model for model in (await client.list()).models]
    assert {"m-ollama:latest", "openai/m-openai", "openai/org/m-openai", "anthropic/m-anthropic"} <= set(names)
    for name in ("m-ollama:latest", "m-ollama", "openai/m-openai", "m-google", "fast"):
        shown = await client.show(name)
        assert "completion" in (shown.capabilities or ())
    assert [model.model for model in (await client.ps()).models] == ["m-ollama:latest"]
    with pytest.raises(ollama.ResponseError, match="no provider has the model") as caught:
        await client.show("nobody")
    assert caught.value.status_code == 404


async def test_what_clients_ask_first(daemon: Daemon) -> None:
    """A version, and a sign that somebody is there."""
    transport = httpx.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/")).text == "Ollama is running"
        assert (await http.head("/")).status_code == 200
        version = (await http.get("/api/version")).json()["version"]
        assert [int(part) for part in version.split(".")] > [0, 12]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_of_the_provider(
    daemon: Daemon, client: ollama.AsyncClient, kind: str, status: int, *, stream: bool
) -> None:
    """The client raises with the provider's status and message, and without the key."""
    with pytest.raises(ollama.ResponseError, match="is wrong") as caught:
        await answered(client, stream=stream, model=daemon[kind].model, messages=says(f"refuse {status}"))
    assert caught.value.status_code == status
    assert KEY not in caught.value.error


@pytest.mark.parametrize(
    ("path", "asked", "complaint"),
    [
        ("chat", {"logprobs": True}, "does not know `logprobs`"),
        ("chat", {"options": {"mirostat": 2}}, "does not know `mirostat`"),
        ("chat", {"options": {"temperature": "hot"}}, "options"),
        ("chat", {"format": "yaml"}, "format"),
        ("chat", {"messages": [{"role": "user", "content": "", "images": ["AAAA"]}]}, "PNG"),
        ("chat", {"messages": [{"role": "tool", "content": "a wall"}]}, "no call"),
        ("generate", {"raw": True}, "does not know `raw`"),
        ("generate", {"suffix": "end"}, "does not know `suffix`"),
        ("generate", {"context": [1, 2]}, "does not know `context`"),
    ],
)
async def test_what_only_ollama_can_do_is_refused(daemon: Daemon, path: str, asked: Any, complaint: str) -> None:
    """Nothing that changes the answer is dropped in silence."""
    transport = httpx.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        usual = {"messages": says("Hi")} if path == "chat" else {"prompt": "Hi"}
        answer = await http.post(f"/api/{path}", json={"model": daemon["openai"].model, **usual, **asked})
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]


async def test_how_ollama_runs_a_model_is_no_concern_of_others(daemon: Daemon, client: ollama.AsyncClient) -> None:
    """Options of the machine are left out elsewhere; those of the model go by their names."""
    options = {"num_ctx": 8192, "num_gpu": 1, "num_predict": 7, "stop": ["END"], "seed": 3, "top_k": 5, "min_p": 0}
    await client.chat(model=daemon["openai"].model, messages=says("Hi"), options=options, keep_alive="1h")
    sent = daemon["openai"].last.json()
    assert {name: sent[name] for name in ("max_tokens", "stop", "seed", "top_k")} == {
        "max_tokens": 7,
        "stop": ["END"],
        "seed": 3,
        "top_k": 5,
    }
    assert not sent.keys() & {"num_ctx", "num_gpu", "keep_alive"}


async def test_a_model_is_loaded_and_unloaded_without_a_word(daemon: Daemon, client: ollama.AsyncClient) -> None:
    """Where there is nothing to load, the answer comes at once."""
    before = len(daemon["openai"].exchanges)
    loaded = await client.generate(model=daemon["openai"].model)
    assert (loaded.done, loaded.done_reason, loaded.response) == (True, "load", "")
    unloaded = await client.chat(model=daemon["openai"].model, keep_alive=0)
    assert (unloaded.done, unloaded.done_reason) == (True, "unload")
    assert len(daemon["openai"].exchanges) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_breaks_off(daemon: Daemon, client: ollama.AsyncClient, kind: str) -> None:
    """What was said is given, and then the client raises."""
    texts: list[str] = []

    async def listen() -> None:
        async for line in await client.chat(model=daemon[kind].model, messages=says("break off"), stream=True):
            texts.append(line.message.content or "")  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ollama.ResponseError, match="closed the connection"):
        await listen()
    assert texts
    assert "Hello".startswith("".join(texts))


@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_ends_the_call_at_the_provider(daemon: Daemon, client: ollama.AsyncClient, kind: str) -> None:
    """A client that goes away frees the model."""
    provider = daemon[kind]
    for stream, text in ((False, "wait"), (True, "wait"), (True, "say and wait")):
        provider.waiting.clear()

        async def ask(*, stream: bool = stream, text: str = text) -> None:
            await answered(client, stream=stream, model=provider.model, messages=says(text))

        asking = asyncio.create_task(ask())
        await until(lambda: bool(provider.waiting))
        asking.cancel()
        await until(provider.waiting[0].gone.is_set)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_sync_client(daemon: Daemon, kind: str) -> None:
    """The client without async does the same."""

    def talk() -> tuple[str | None, str]:
        with ollama.Client("http://localhost", transport=httpx.HTTPTransport(uds=daemon.socket)) as client:
            whole = client.chat(model=daemon[kind].model, messages=says("Hi"))
            lines = client.chat(model=daemon[kind].model, messages=says("Hi"), stream=True)
            return whole.message.content, "".join(line.message.content or "" for line in lines)

    assert await asyncio.to_thread(talk) == (TEXT, TEXT)


async def test_it_streams_unless_asked_not_to(daemon: Daemon) -> None:
    """No ``stream`` in the request means lines, unlike in the daemon's own API."""
    transport = httpx.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for kind in KINDS:
            answer = await http.post("/api/chat", json={"model": daemon[kind].model, "messages": says("Hi")})
            assert answer.headers["content-type"] == "application/x-ndjson"
            assert len(answer.text.strip().split("\n")) > 2


async def test_errors_of_methods_and_bodies(daemon: Daemon) -> None:
    """A wrong method, and a body that is no JSON or without a model: a sentence."""
    transport = httpx.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for asking, status in (
            (http.get("/api/chat"), 405),
            (http.post("/api/chat", content=b"{"), 400),
            (http.post("/api/generate", json={"prompt": "Hi"}), 400),
            (http.post("/api/show", json={}), 400),
        ):
            answer = await asking
            assert answer.status_code == status
            assert list(answer.json()) == ["error"]
