"""The adapter for Google, against a server that follows a script."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderLimited, ProviderRefused
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest, SystemMessage, UserMessage
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.google import Google
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer
from tests.serve_llm.asking import OpenGateway, Serve, chat, chat_stream, provider_that, streamed_chat, text_of, until

KEY = "AIza0123456789abcdef"
MODEL = "google/gemini-2.5-flash"
HEL = {"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}}]}
LO = {"candidates": [{"content": {"parts": [{"text": "lo"}], "role": "model"}, "finishReason": "STOP"}]}


async def talking_to(act: Script, serve: Serve, open_gateway: OpenGateway) -> tuple[Gateway, ScriptedServer]:
    """Return a gateway in front of a provider that chats as told, and the provider."""
    server = await serve(provider_that(act))
    return await open_gateway({"google": ProviderSettings(base_url=server.url, api_key=KEY)}), server


async def streams(exchange: Exchange, *events: Any) -> None:
    """Send *events*."""
    await exchange.begin()
    for event in events:
        await exchange.event(event)
    await exchange.end()


async def test_paths_and_key(serve: Serve, open_gateway: OpenGateway) -> None:
    """The model is in the path, the key in a header and never in the URL."""
    gateway, server = await talking_to(lambda x: x.answer(LO), serve, open_gateway)
    assert (await chat(gateway, model=MODEL))["content"] == "lo"
    await streamed_chat(gateway, model=MODEL)
    await chat(gateway, model="google/tunedModels/mine-1")
    assert [post.path for post in server.posts] == [
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "/v1beta/tunedModels/mine-1:generateContent",
    ]
    assert all(exchange.headers["x-goog-api-key"] == KEY for exchange in server.exchanges)
    assert all(KEY not in exchange.path for exchange in server.exchanges)
    assert all("authorization" not in exchange.headers for exchange in server.exchanges)


@pytest.mark.parametrize("model", ["../secrets", "a/../b", "a?b", "a b", "a%2fb", "/", "a:b"])
async def test_no_name(model: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """What cannot be a model's name leads nowhere else."""
    gateway, server = await talking_to(lambda x: x.answer(LO), serve, open_gateway)
    with pytest.raises(ModelNotFound):
        await chat(gateway, model=f"google/{model}")
    assert not server.posts


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://h", "http://h/v1beta"),
        ("http://h/", "http://h/v1beta"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/x/v1alpha/", "http://h/x/v1alpha"),
    ],
)
def test_address(given: str, address: str) -> None:
    """An address is taken with the version at its end or without."""
    assert provider_kinds()["google"].address(given) == address


def test_environment() -> None:
    """Both of Google's names for the key are known, and without one there is no header."""
    kind = provider_kinds()["google"]
    assert kind.key_variables == ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    assert kind.base_url_variables == ("GOOGLE_GEMINI_BASE_URL",)
    assert not kind.authorize("")


async def test_models(serve: Serve, open_gateway: OpenGateway) -> None:
    """All pages are listed, with what is known of each model, but not what neither chats nor embeds."""
    pages = {
        "/v1beta/models?pageSize=1000": {
            "models": [
                {
                    "name": "models/gemini-2.5-flash",
                    "inputTokenLimit": 1_048_576,
                    "outputTokenLimit": 65_536,
                    "supportedGenerationMethods": ["generateContent", "countTokens"],
                    "thinking": True,
                },
                {"name": "models/veo", "supportedGenerationMethods": ["predictLongRunning"]},
            ],
            "nextPageToken": "a+b&c",
        },
        "/v1beta/models?pageSize=1000&pageToken=a%2Bb%26c": {
            "models": [{"name": "models/embedder", "supportedGenerationMethods": ["embedContent"]}]
        },
    }
    server = await serve(lambda exchange: exchange.answer(pages[exchange.path]))
    gateway = await open_gateway({"google": ProviderSettings(base_url=server.url, models=("embedder", "mine"))})
    gemini, embedder, mine = await gateway.models()
    assert (gemini.id, gemini.name, gemini.family) == ("google/gemini-2.5-flash", "gemini-2.5-flash", "gemini")
    assert (gemini.context_length, gemini.max_output_tokens) == (1_048_576, 65_536)
    assert (gemini.capabilities, embedder.capabilities) == (("thinking",), ("embedding",))
    assert mine.name == "mine"


async def test_endless_list(serve: Serve, open_gateway: OpenGateway) -> None:
    """A list that has always more ends nevertheless."""
    server = await serve(lambda exchange: exchange.answer({"models": [], "nextPageToken": "more"}))
    gateway = await open_gateway({"google": ProviderSettings(base_url=server.url)})
    await gateway.models()
    assert len(server.exchanges) == 10


async def counting(gateway: Gateway) -> int:
    """Return what the adapter counts for a request."""
    provider, model = await gateway.target(MODEL)
    assert isinstance(provider, Google)
    messages = (SystemMessage("Be brief."), UserMessage("Hi"))
    return await provider.count_tokens(ChatRequest(model=model, messages=messages))


async def test_counting(serve: Serve, open_gateway: OpenGateway) -> None:
    """The tokens of a request are counted with all that is in it."""
    gateway, server = await talking_to(lambda x: x.answer({"totalTokens": 14}), serve, open_gateway)
    assert await counting(gateway) == 14
    assert server.posts[0].path == "/v1beta/models/gemini-2.5-flash:countTokens"
    counted = server.posts[0].json()["generateContentRequest"]
    assert counted["model"] == "models/gemini-2.5-flash"
    assert set(counted) == {"model", "contents", "systemInstruction", "generationConfig"}


async def test_counting_fails(serve: Serve, open_gateway: OpenGateway) -> None:
    """A count that is none cannot be read."""
    gateway, _ = await talking_to(lambda x: x.answer({}), serve, open_gateway)
    with pytest.raises(ProviderFailed, match="cannot be read"):
        await counting(gateway)


async def embedding(gateway: Gateway) -> Embeddings:
    """Return the vectors of two texts."""
    provider, _ = await gateway.target(MODEL)
    assert isinstance(provider, Google)
    request = EmbeddingRequest(model="e", inputs=("a", "b"), dimensions=2, extra={"taskType": "CLUSTERING"})
    return await provider.embed(request)


async def test_embedding(serve: Serve, open_gateway: OpenGateway) -> None:
    """Several texts are one request, and their vectors come in the same order."""
    vectors = {"embeddings": [{"values": [0.5, 1]}, {"values": [2, 3]}], "usageMetadata": {"promptTokenCount": 4}}
    gateway, server = await talking_to(lambda x: x.answer(vectors), serve, open_gateway)
    assert await embedding(gateway) == Embeddings("google", "e", ((0.5, 1.0), (2.0, 3.0)), 4)
    assert server.posts[0].path == "/v1beta/models/e:batchEmbedContents"
    wanted = {"model": "models/e", "outputDimensionality": 2, "taskType": "CLUSTERING"}
    assert server.posts[0].json() == {"requests": [{**wanted, "content": {"parts": [{"text": text}]}} for text in "ab"]}


async def test_embedding_fails(serve: Serve, open_gateway: OpenGateway) -> None:
    """Vectors that are none cannot be read."""
    gateway, _ = await talking_to(lambda x: x.answer({"embeddings": [{}]}), serve, open_gateway)
    with pytest.raises(ProviderFailed, match="cannot be read"):
        await embedding(gateway)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("code", "status", "message", "expected"),
    [
        (400, "INVALID_ARGUMENT", f"API key {KEY} not valid", ProviderRefused),
        (403, "PERMISSION_DENIED", "not for you", ProviderRefused),
        (404, "NOT_FOUND", "models/gemini-0 is not found for API version v1beta", ModelNotFound),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", ProviderLimited),
        (500, "INTERNAL", "oops", ProviderFailed),
        (503, "UNAVAILABLE", "The model is overloaded.", ProviderFailed),
    ],
)
async def test_refusals(  # noqa: PLR0917
    code: int,
    status: str,
    message: str,
    expected: type[HecateError],
    stream: bool,  # noqa: FBT001
    serve: Serve,
    open_gateway: OpenGateway,
) -> None:
    """A refusal in Google's shape keeps its meaning and its words, without the key."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.2s"}]
    refusal = {"error": {"code": code, "message": message, "status": status, "details": details}}
    gateway, _ = await talking_to(lambda x: x.answer(refusal, code), serve, open_gateway)
    with pytest.raises(HecateError) as caught:
        await (streamed_chat if stream else chat)(gateway, model=MODEL)
    assert type(caught.value) is expected
    assert message.replace(KEY, "***") in str(caught.value)
    assert KEY not in f"{caught.value!r} {caught.value.envelope()}"
    if isinstance(caught.value, ProviderLimited):
        assert caught.value.headers == {"Retry-After": "34"}


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([{"error": {"code": 503, "message": f"Over {KEY}", "status": "UNAVAILABLE"}}], "broke off: Over ***"),
        (['{"candidates"'], "cannot be read"),
        ([], "ended its answer in the middle"),
    ],
)
async def test_failures_in_mid_stream(events: list[Any], message: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """What was said before a failure is given, then the failure is told."""
    gateway, _ = await talking_to(lambda exchange: streams(exchange, HEL, *events), serve, open_gateway)
    chunks = await streamed_chat(gateway, model=MODEL)
    assert text_of(chunks) == "Hel"
    assert message in chunks[-1]["error"]
    assert KEY not in str(chunks)


async def test_answer_to_a_stream_at_once(serve: Serve, open_gateway: OpenGateway) -> None:
    """A server that cannot send events answers a stream's request with a list."""
    gateway, _ = await talking_to(lambda x: x.answer([HEL, LO]), serve, open_gateway)
    assert text_of(await streamed_chat(gateway, model=MODEL)) == "Hello"


async def test_leaving(serve: Serve, open_gateway: OpenGateway) -> None:
    """Who leaves in mid-stream ends the call at Google too."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(HEL)
        await exchange.gone.wait()

    gateway, server = await talking_to(act, serve, open_gateway)
    stream = await chat_stream(gateway, model=MODEL)
    assert b"Hel" in await anext(stream.pieces)
    await stream.pieces.aclose()
    await until(server.posts[-1].gone.is_set)
