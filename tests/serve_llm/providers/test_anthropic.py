"""The adapter for Anthropic, against a server that follows a script."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.errors import HecateError, Invalid
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderLimited, ProviderRefused
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest, SystemMessage, Tool, UserMessage
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.anthropic import Anthropic
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer
from tests.serve_llm.asking import OpenGateway, Serve, chat, chat_stream, provider_that, streamed_chat, text_of, until

KEY = "sk-ant-0123456789abcdef"
MODEL = "anthropic/claude-sonnet-4-5"
ANSWER = {"type": "message", "content": [{"type": "text", "text": "Hello!"}], "stop_reason": "end_turn"}
SAYS_HEL = (
    {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
)


async def talking_to(
    act: Script, serve: Serve, open_gateway: OpenGateway, **settings: Any
) -> tuple[Gateway, ScriptedServer]:
    """Return a gateway in front of a provider that chats as told, and the provider."""
    server = await serve(provider_that(act))
    settings = {"base_url": server.url, "api_key": KEY, **settings}
    return await open_gateway({"anthropic": ProviderSettings(**settings)}), server


async def answers(exchange: Exchange) -> None:
    """Answer a chat."""
    await exchange.answer(ANSWER)


async def test_headers(serve: Serve, open_gateway: OpenGateway) -> None:
    """The key and the API's version go in Anthropic's own headers."""
    gateway, server = await talking_to(answers, serve, open_gateway)
    assert (await chat(gateway, model=MODEL))["content"] == "Hello!"
    (post,) = server.posts
    assert post.path == "/v1/messages"
    assert post.headers["x-api-key"] == KEY
    assert post.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in post.headers
    assert "anthropic-beta" not in post.headers


async def test_beta_features(serve: Serve, open_gateway: OpenGateway) -> None:
    """Beta features named in the request are named in a header, beside those configured."""
    gateway, server = await talking_to(answers, serve, open_gateway, headers={"anthropic-beta": "a"})
    await chat(gateway, model=MODEL, extra={"betas": ["b", "c"]})
    assert server.posts[0].headers["anthropic-beta"] == "a,b,c"
    assert "betas" not in server.posts[0].json()
    with pytest.raises(Invalid, match="betas"):
        await chat(gateway, model=MODEL, extra={"betas": "b"})


@pytest.mark.parametrize("given", ["", "/", "/v1", "/v1/", "/proxy", "/proxy/v1"])
def test_address(given: str) -> None:
    """An address is taken with the version at its end or without."""
    kind = provider_kinds()["anthropic"]
    assert kind.address(f"http://h{given}") == ("http://h/proxy" if "proxy" in given else "http://h")


def test_environment() -> None:
    """Anthropic's own names of variables are known, and its key goes nowhere without one."""
    kind = provider_kinds()["anthropic"]
    assert (kind.key_variables, kind.base_url_variables) == (("ANTHROPIC_API_KEY",), ("ANTHROPIC_BASE_URL",))
    assert set(kind.authorize("")) == {"anthropic-version"}


async def test_models(serve: Serve, open_gateway: OpenGateway) -> None:
    """All pages are listed, with what is known of each model, but not what has been retired."""
    pages = {
        "/v1/models?limit=1000": {
            "data": [
                {
                    "id": "claude-opus-4-8",
                    "max_input_tokens": 1_000_000,
                    "max_tokens": 128_000,
                    "capabilities": {"image_input": {"supported": True}, "thinking": {"supported": True}},
                },
                {"id": "claude-2", "lifecycle": "retired"},
            ],
            "has_more": True,
            "last_id": "a+b&c",
        },
        "/v1/models?limit=1000&after_id=a%2Bb%26c": {"data": [{"id": "other"}], "has_more": False, "last_id": None},
    }

    async def act(exchange: Exchange) -> None:
        await exchange.answer(pages[exchange.path] if exchange.method == "GET" else ANSWER)

    server = await serve(act)
    gateway = await open_gateway({"anthropic": ProviderSettings(base_url=server.url, models=("other", "mine"))})
    known, other, mine = await gateway.models()
    assert (known.id, known.family, known.context_length) == ("anthropic/claude-opus-4-8", "opus", 1_000_000)
    assert known.max_output_tokens == 128_000
    assert known.capabilities == ("tools", "vision", "thinking")
    assert (other.name, other.capabilities, mine.name) == ("other", (), "mine")


async def test_limit_as_listed(serve: Serve, open_gateway: OpenGateway) -> None:
    """How much a model can give out is best known to Anthropic itself."""

    async def act(exchange: Exchange) -> None:
        listed = {"data": [{"id": "claude-sonnet-4-5", "max_tokens": 77}]}
        await exchange.answer(listed if exchange.method == "GET" else ANSWER)

    server = await serve(act)
    gateway = await open_gateway({"anthropic": ProviderSettings(base_url=server.url)})
    await gateway.models()
    await chat(gateway, model="claude-sonnet-4-5")
    assert server.posts[0].json()["max_tokens"] == 77


async def test_endless_list(serve: Serve, open_gateway: OpenGateway) -> None:
    """A list that has always more ends nevertheless."""
    page = {"data": [{"id": "m"}], "has_more": True, "last_id": "m"}
    server = await serve(lambda exchange: exchange.answer(page))
    gateway = await open_gateway({"anthropic": ProviderSettings(base_url=server.url)})
    await gateway.models()
    assert len(server.exchanges) == 10


async def counting(gateway: Gateway, request: ChatRequest) -> int:
    """Return what the adapter counts for *request*."""
    provider, _ = await gateway.target(MODEL)
    assert isinstance(provider, Anthropic)
    return await provider.count_tokens(request)


async def test_counting(serve: Serve, open_gateway: OpenGateway) -> None:
    """The tokens of a request are counted with all that is input, and with nothing else."""
    gateway, server = await talking_to(lambda x: x.answer({"input_tokens": 14}), serve, open_gateway)
    messages = (SystemMessage("Be brief."), UserMessage("Hi"))
    request = ChatRequest(model="m", messages=messages, tools=(Tool("f"),), temperature=0.5, stop=("x",), max_tokens=5)
    assert await counting(gateway, request) == 14
    assert server.posts[0].path == "/v1/messages/count_tokens"
    assert set(server.posts[0].json()) == {"model", "messages", "system", "tools"}


async def test_counting_fails(serve: Serve, open_gateway: OpenGateway) -> None:
    """A count that is none cannot be read."""
    gateway, _ = await talking_to(lambda x: x.answer({"tokens": 14}), serve, open_gateway)
    with pytest.raises(ProviderFailed, match="cannot be read"):
        await counting(gateway, ChatRequest(model="m", messages=(UserMessage("Hi"),)))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (400, "invalid_request_error", "max_tokens: too many", ProviderRefused),
        (401, "authentication_error", f"invalid x-api-key {KEY}", ProviderRefused),
        (403, "permission_error", "not for you", ProviderRefused),
        (404, "not_found_error", "model: claude-0", ModelNotFound),
        (413, "request_too_large", "too large", ProviderRefused),
        (429, "rate_limit_error", "slow down", ProviderLimited),
        (500, "api_error", "oops", ProviderFailed),
        (529, "overloaded_error", "Overloaded", ProviderFailed),
    ],
)
async def test_refusals(  # noqa: PLR0917
    status: int,
    kind: str,
    message: str,
    expected: type[HecateError],
    stream: bool,  # noqa: FBT001
    serve: Serve,
    open_gateway: OpenGateway,
) -> None:
    """A refusal in Anthropic's shape keeps its meaning and its words, without the key."""
    refusal = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    gateway, _ = await talking_to(lambda x: x.answer(refusal, status), serve, open_gateway)
    with pytest.raises(HecateError) as caught:
        await (streamed_chat if stream else chat)(gateway, model=MODEL)
    assert type(caught.value) is expected
    assert message.replace(KEY, "***") in str(caught.value)
    assert KEY not in f"{caught.value!r} {caught.value.envelope()}"


async def streams(exchange: Exchange, *events: Any) -> None:
    """Say "Hel", then send *events*."""
    await exchange.begin()
    for event in (*SAYS_HEL, *events):
        await exchange.event(event)
    await exchange.end()


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([{"type": "error", "error": {"type": "overloaded_error", "message": f"Over {KEY}"}}], "broke off: Over ***"),
        (['{"type": "content_block_delta"'], "cannot be read"),
        ([{"type": "content_block_stop", "index": 0}], "ended its answer in the middle"),
        ([], "ended its answer in the middle"),
    ],
)
async def test_failures_in_mid_stream(events: list[Any], message: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """What was said before a failure is given, then the failure is told."""
    gateway, _ = await talking_to(lambda exchange: streams(exchange, *events), serve, open_gateway)
    chunks = await streamed_chat(gateway, model=MODEL)
    assert text_of(chunks) == "Hel"
    assert message in chunks[-1]["error"]
    assert KEY not in str(chunks)


async def test_end_mark(serve: Serve, open_gateway: OpenGateway) -> None:
    """After the last event nothing is waited for, though the server keeps the stream open."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        for event in (
            *SAYS_HEL,
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
        ):
            await exchange.event(event)
        await exchange.gone.wait()

    gateway, _ = await talking_to(act, serve, open_gateway)
    assert (await streamed_chat(gateway, model=MODEL))[-1]["finish_reason"] == "stop"


async def test_answer_to_a_stream_at_once(serve: Serve, open_gateway: OpenGateway) -> None:
    """A server that cannot stream answers a stream's request whole."""
    gateway, _ = await talking_to(answers, serve, open_gateway)
    assert text_of(await streamed_chat(gateway, model=MODEL)) == "Hello!"


async def test_leaving(serve: Serve, open_gateway: OpenGateway) -> None:
    """Who leaves in mid-stream ends the call at Anthropic too."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        for event in SAYS_HEL:
            await exchange.event(event)
        await exchange.gone.wait()

    gateway, server = await talking_to(act, serve, open_gateway)
    stream = await chat_stream(gateway, model=MODEL)
    assert b"Hel" in await anext(stream.pieces)
    await stream.pieces.aclose()
    await until(server.posts[-1].gone.is_set)
