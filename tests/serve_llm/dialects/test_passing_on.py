"""A request in the provider's own dialect goes there as it came, and so does what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw, Route, Stream
from hecate.serve_llm.dialects import anthropic, ollama, openai
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.finished_calls import FinishedCall
from hecate.serve_llm.pieces import NO_USAGE
from hecate.serve_llm.settings import Deadlines, LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange, silent
from tests.serve_llm.asking import OpenGateway, Serve, ask, until
from tests.serve_llm.dialects.conftest import Daemon
from tests.serve_llm.dialects.little_model import COMPLETION_TOKENS, PROMPT_TOKENS, LittleProvider
from tests.serve_llm.dialects.little_providers import LittleAnthropic, LittleOllama, LittleOpenAi

OWN = {
    "openai": ("/v1/chat/completions", "/chat/completions"),
    "anthropic": ("/v1/messages", "/v1/messages"),
    "ollama": ("/api/chat", "/api/chat"),
}
PROVIDERS: dict[str, tuple[Callable[[], LittleProvider], Route]] = {
    "openai": (LittleOpenAi, openai.ROUTES[0]),
    "anthropic": (LittleAnthropic, anthropic.ROUTES[0]),
    "ollama": (LittleOllama, ollama.ROUTES[0]),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of the socket."""
    transport = httpx2.AsyncHTTPTransport(uds=daemon.socket)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


def body_for(kind: str, model: str, text: str = "Hi", **more: Any) -> bytes:
    """Return a request with odd spaces and with fields that nobody here knows."""
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": text}], "new_field": {"x": [1.0]}, **more}
    return f'{{ "model" : "{model}",\n  {json.dumps(asked, indent=3)[1:]}'.encode()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("text", ["Hi", "both", "think hard"])
async def test_every_byte_passes(
    daemon: Daemon, http: httpx2.AsyncClient, kind: str, text: str, *, stream: bool
) -> None:
    """Both ways, with fields that nobody here knows."""
    path, own_path = OWN[kind]
    options = {"stream_options": {"include_usage": True}} if kind == "openai" and stream else {}
    body = body_for(kind, daemon[kind].model, text, stream=stream, **options)
    answer = await http.post(path, content=body)
    assert answer.status_code == 200
    assert daemon[kind].last.body == body
    assert daemon[kind].last.path == own_path
    assert answer.content == daemon[kind].sent
    if stream:
        assert answer.headers["content-type"] == daemon[kind].media_type


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", OWN)
async def test_only_the_models_name_is_changed(daemon: Daemon, http: httpx2.AsyncClient, kind: str) -> None:
    """A full name or an alias becomes the provider's own name."""
    model = daemon[kind].model
    body = body_for(kind, f"{kind}/{model}", stream=False)
    answer = await http.post(OWN[kind][0], content=body)
    assert daemon[kind].last.body == body.replace(f"{kind}/{model}".encode(), model.encode())
    assert answer.content == daemon[kind].sent


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_obfuscation": False}}, {"stream_options": None}])
async def test_the_tokens_that_we_ask_for_are_kept_from_the_client(
    daemon: Daemon, http: httpx2.AsyncClient, options: dict[str, Any]
) -> None:
    """OpenAI tells a stream's tokens only if asked; the client that did not ask sees no chunk of them."""
    provider = daemon["openai"]
    body = body_for("openai", provider.model, stream=True, **options)
    answer = await http.post("/v1/chat/completions", content=body)
    sent = provider.last.json()
    assert sent.pop("stream_options")["include_usage"] is True
    assert sent == {name: value for name, value in json.loads(body).items() if name != "stream_options"}
    events = [event for event in provider.sent.split(b"\n\n") if b'"choices": []' not in event]
    assert answer.content == b"\n\n".join(events)
    assert answer.content != provider.sent


async def opened(
    serve: Serve, open_gateway: OpenGateway, kind: str, script: Any = None, **settings: Any
) -> tuple[Callable[..., Any], LittleProvider, list[FinishedCall]]:
    """Return what asks one provider in its own dialect, the provider, and where finished calls are told."""
    make, route = PROVIDERS[kind]
    provider = make()

    async def scripted(exchange: Exchange) -> None:
        await (provider(exchange) if script is None or exchange.method == "GET" else script(exchange))

    server = await serve(scripted)
    settings = {"base_url": server.url, "api_key": "sk-0123456789", **settings}
    gateway = await open_gateway({kind: ProviderSettings(**settings)})
    finished: list[FinishedCall] = []
    gateway.ledger.watchers.append(lambda entry: finished.append(entry.finished))

    async def asking(text: str, **more: Any) -> bytes:
        asked = {"model": f"{kind}/{provider.model}", "messages": [{"role": "user", "content": text}], **more}
        try:
            result = await ask(gateway, route, {"stream": False, **asked})
            if isinstance(result, Stream):
                return b"".join([piece async for piece in result.pieces])
            assert isinstance(result, Raw)
            return result.body
        finally:
            await gateway.ledger.up_to_date()

    return asking, provider, finished


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("stream", [True, False])
async def test_every_call_is_told_of(serve: Serve, open_gateway: OpenGateway, kind: str, *, stream: bool) -> None:
    """Whoever wants to know learns provider, model, tokens, times and outcome of what only passed through."""
    asking, provider, finished = await opened(serve, open_gateway, kind)
    await asking("Hi", stream=stream)
    (call,) = finished
    assert (call.provider, call.model, call.streamed, call.outcome) == (kind, provider.model, stream, "ok")
    assert (call.usage.prompt_tokens, call.usage.completion_tokens) == (PROMPT_TOKENS, COMPLETION_TOKENS)
    assert call.first_piece_seconds is not None
    assert 0 < call.first_piece_seconds <= call.total_seconds


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_every_failure_is_told_of(serve: Serve, open_gateway: OpenGateway, kind: str) -> None:
    """A refusal, an answer that breaks off, and a client that leaves."""
    asking, provider, finished = await opened(serve, open_gateway, kind)
    for text, more in (("refuse 400", {}), ("refuse 400", {"stream": True})):
        with pytest.raises(HecateError):
            await asking(text, **more)
    assert b"closed the connection" in await asking("break off", stream=True)
    leaving = asyncio.create_task(asking("wait", stream=True))
    await until(lambda: bool(provider.waiting))
    leaving.cancel()
    await asyncio.wait((leaving,))
    await until(lambda: len(finished) == 4)
    assert [call.outcome for call in finished] == ["provider_error", "provider_error", "provider_error", "cancelled"]
    assert all(call.usage == NO_USAGE for call in finished)


FIRST_EVENTS = {
    "openai": b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n',
    "anthropic": b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"text_delta","text":"Hi"}}\n\n',
    "ollama": b'{"message":{"role":"assistant","content":"Hi"},"done":false}\n',
}
ERROR_EVENTS = {
    "openai": b'data: {"error":{"message":"no, sk-0123456789 is wrong"}}\n\n',
    "anthropic": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
    b'"message":"no, sk-0123456789 is wrong"}}\n\n',
    "ollama": b'{"error":"no, sk-0123456789 is wrong"}\n',
}


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_an_error_before_anything_else_is_an_http_error(
    serve: Serve, open_gateway: OpenGateway, kind: str
) -> None:
    """A stream that begins with an error has not begun."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin(PROVIDERS[kind][0].media_type)  # type: ignore[attr-defined]
        await exchange.piece(ERROR_EVENTS[kind])
        await exchange.end()

    asking, _, finished = await opened(serve, open_gateway, kind, script)
    with pytest.raises(ProviderFailed, match="is wrong"):
        await asking("Hi", stream=True)
    assert finished[0].outcome == "provider_error"


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_an_error_in_the_middle_passes_without_the_key(
    serve: Serve, open_gateway: OpenGateway, kind: str
) -> None:
    """The provider's own event goes on, and the call counts as failed."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin(PROVIDERS[kind][0].media_type)  # type: ignore[attr-defined]
        await exchange.piece(FIRST_EVENTS[kind])
        await exchange.piece(ERROR_EVENTS[kind])
        await exchange.gone.wait()

    asking, _, finished = await opened(serve, open_gateway, kind, script)
    assert await asking("Hi", stream=True) == FIRST_EVENTS[kind] + ERROR_EVENTS[kind].replace(b"sk-0123456789", b"***")
    assert finished[0].outcome == "provider_error"


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_an_end_before_the_models_is_an_error(serve: Serve, open_gateway: OpenGateway, kind: str) -> None:
    """A body that ends in good order, but too early, is not taken for an answer."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin(PROVIDERS[kind][0].media_type)  # type: ignore[attr-defined]
        await exchange.piece(FIRST_EVENTS[kind])
        await exchange.end()

    asking, _, finished = await opened(serve, open_gateway, kind, script)
    answer = await asking("Hi", stream=True)
    assert answer.startswith(FIRST_EVENTS[kind])
    assert b"in the middle" in answer
    assert finished[0].outcome == "provider_error"


async def test_a_server_that_cannot_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """Its whole answer becomes a stream."""

    async def script(exchange: Exchange) -> None:
        message = {"role": "assistant", "content": "Hi"}
        await exchange.answer({"choices": [{"message": message, "finish_reason": "stop"}], "usage": None})

    asking, _, finished = await opened(serve, open_gateway, "openai", script)
    answer = await asking("Hi", stream=True)
    assert b'"content":"Hi"' in answer
    assert answer.endswith(b"data: [DONE]\n\n")
    assert finished[0].outcome == "ok"


async def test_an_answer_that_is_none(serve: Serve, open_gateway: OpenGateway) -> None:
    """What is no JSON is not passed on as if it were an answer."""

    async def script(exchange: Exchange) -> None:
        await exchange.answer(b"<p>Sign in", media_type="application/json")

    asking, _, _ = await opened(serve, open_gateway, "openai", script)
    with pytest.raises(ProviderFailed, match="cannot be read"):
        await asking("Hi")


async def test_what_the_configuration_says_for_every_chat(serve: Serve, open_gateway: OpenGateway) -> None:
    """An account's options hold here too, where the request does not say otherwise."""
    asking, provider, _ = await opened(
        serve, open_gateway, "ollama", options={"num_ctx": 8192, "top_k": 3, "keep_alive": "1h"}
    )
    await asking("Hi", options={"top_k": 5})
    sent = provider.last.json()
    assert sent["options"] == {"num_ctx": 8192, "top_k": 5}
    assert sent["keep_alive"] == "1h"


async def test_deadlines_hold(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that says nothing is left after the time that is configured for it."""
    deadlines = Deadlines(first_token_seconds=0.05, total_seconds=0.05)
    for kind in PROVIDERS:
        asking, _, finished = await opened(serve, open_gateway, kind, silent, deadlines=deadlines)
        for stream in (True, False):
            with pytest.raises(ProviderFailed) as caught:
                await asking("Hi", stream=stream)
            assert caught.value.status == 504
        assert len(finished) == 2


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_that_fails_before_its_answer_is_made_again(
    serve: Serve, open_gateway: OpenGateway, *, stream: bool
) -> None:
    """What passes through is tried as often as what is translated, each attempt with a record of its own."""
    provider = LittleOpenAi()
    failures = iter((503, 0))

    async def script(exchange: Exchange) -> None:
        if status := next(failures):
            await exchange.answer({"error": {"message": "busy"}}, status)
        else:
            await provider(exchange)

    asking, _, finished = await opened(serve, open_gateway, "openai", script)
    assert b"Hello" in await asking("Hi", stream=stream)
    assert [call.outcome for call in finished] == ["provider_error", "ok"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("first", "second"), [("openai", "ollama"), ("ollama", "openai"), ("anthropic", "openai")])
async def test_a_fallback_may_speak_another_dialect(
    serve: Serve, open_gateway: OpenGateway, first: str, second: str, *, stream: bool
) -> None:
    """The client gets its answer in its own dialect, from whoever gives it and whoever has failed before."""
    failing, answering = PROVIDERS[first][0](), PROVIDERS[second][0]()
    gateway = await open_gateway(
        {
            first: ProviderSettings(base_url=(await serve(that_cannot_chat(failing))).url, api_key="sk-0123456789"),
            second: ProviderSettings(base_url=(await serve(answering)).url, api_key="sk-0123456789"),
        },
        LlmSettings(
            fallbacks={f"{first}/{failing.model}": (f"{second}/{answering.model}",)},
        ),
    )
    route = PROVIDERS["openai"][1]
    body = {"model": f"{first}/{failing.model}", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    result = await ask(gateway, route, body)
    got = b"".join([piece async for piece in result.pieces]) if isinstance(result, Stream) else _body(result)
    assert b"chat.completion" in got
    assert b"Hello" in got


def that_cannot_chat(provider: LittleProvider) -> Any:
    """Return the script of *provider* when it cannot chat: it breaks every call off."""

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await provider(exchange)
        else:
            exchange.reset()

    return script


def _body(result: Any) -> bytes:
    assert isinstance(result, Raw)
    return result.body
