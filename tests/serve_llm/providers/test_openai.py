"""What servers that speak OpenAI's API do differently, each of them right in its own way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    ResponseFormat,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.pieces import (
    Finish,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
)
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.mistral import nine_characters
from hecate.serve_llm.providers.openai_answer import Reading, tool_call
from hecate.serve_llm.providers.openai_body import OPENAI, Manners, request_body
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange
from tests.serve_llm.asking import OpenGateway, Serve, provider_that, streamed_chat, text_of

THOUGHT = {"completion_tokens_details": {"reasoning_tokens": 4}}
ACCOUNT = Account(name="openai", kind="openai", base_url="http://127.0.0.1:1")


def sent(request: ChatRequest, manners: Manners = OPENAI, provider: str = "openai") -> dict[str, Any]:
    """Return what is sent for *request*."""
    body: dict[str, Any] = json.loads(request_body(request, provider, {}, manners))
    return body


def asking(*messages: Any, **more: Any) -> ChatRequest:
    """Return a request with *messages*."""
    return ChatRequest(model="m", messages=messages or (UserMessage("Hi"),), **more)


def read(*documents: Any) -> list[Piece]:
    """Return the pieces that *documents*, chunks of a stream, add up to."""
    reading = Reading(ACCOUNT)
    pieces: list[Piece] = []
    for document in documents:
        reading.take(json.dumps(document).encode(), pieces)
    reading.finish(pieces)
    return pieces


def chunk(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a chunk of a stream."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def test_limits_and_roles() -> None:
    """OpenAI itself wants newer names, which the others do not know."""
    request = asking(DeveloperMessage("Be brief."), max_tokens=5)
    assert sent(request)["max_completion_tokens"] == 5
    assert sent(request)["messages"][0]["role"] == "developer"
    assert sent(request, Manners())["max_tokens"] == 5
    assert sent(request, Manners())["messages"][0]["role"] == "system"


async def test_manners_go_by_the_address(serve: Serve, open_gateway: OpenGateway) -> None:
    """A server elsewhere is not taken for OpenAI, though it is configured under that name."""
    server = await serve(provider_that(lambda exchange: exchange.answer({"choices": [chunk("stop")["choices"][0]]})))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url)})
    await streamed_chat(gateway, model="openai/m", max_tokens=5)
    assert server.posts[-1].json()["max_tokens"] == 5


def test_parts() -> None:
    """Images go as URLs, of their bytes if need be; files and recordings as their bytes."""
    message = UserMessage(
        (
            TextPart("See"),
            ImagePart(url="https://x/y.png"),
            ImagePart(data="iVBO", media_type="image/png"),
            FilePart(data="JVBE", media_type="application/pdf", name="a.pdf"),
            FilePart(data="UklG", media_type="audio/wav"),
        )
    )
    assert sent(asking(message))["messages"][0]["content"] == [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ]


@pytest.mark.parametrize(
    ("request_", "manners"),
    [
        (asking(UserMessage((FilePart(url="https://x/y.pdf"),))), OPENAI),
        (asking(ToolMessage(content=(ImagePart(url="https://x"),), tool_call_id="c")), OPENAI),
        (asking(response_format=ResponseFormat("json_schema", {})), Manners(json_schema=False)),
        (asking(extra={"messages": []}), OPENAI),
    ],
)
def test_what_cannot_be_done(request_: ChatRequest, manners: Manners) -> None:
    """What a server cannot do is refused in words, not left out."""
    with pytest.raises(Invalid):
        sent(request_, manners)


def test_reasoning_goes_back_where_it_is_wanted() -> None:
    """Earlier reasoning is sent to those who want it, and left out for those who refuse it."""
    request = asking(AssistantMessage("Hi", reasoning="hm"))
    assert "reasoning_content" not in sent(request)["messages"][0]
    wants = Manners(reasoning_field="reasoning_content", reasoning_always=True)
    assert sent(request, wants)["messages"][0]["reasoning_content"] == "hm"
    assert sent(asking(AssistantMessage("Hi")), wants)["messages"][0]["reasoning_content"] == ""


def test_signatures_go_back_to_their_maker_only() -> None:
    """What OpenRouter wants back, it gets back unchanged; nobody else does."""
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    (piece,) = [piece for piece in read(chunk("stop", reasoning_details=details)) if isinstance(piece, SignaturePiece)]
    request = asking(AssistantMessage("Hi", signatures=(piece.signature,)))
    assert sent(request)["messages"][0]["reasoning_details"] == details
    assert "reasoning_details" not in sent(request, provider="groq")["messages"][0]


def test_failed_tool_says_so() -> None:
    """There is no field for a tool's failure, so the text tells."""
    request = asking(
        ToolMessage(content="no such file", tool_call_id="c", is_error=True),
        ToolMessage(content="Error: no", tool_call_id="c", is_error=True),
    )
    assert [message["content"] for message in sent(request)["messages"]] == ["Error: no such file", "Error: no"]


def test_calls_without_an_index() -> None:
    """Parallel calls are told apart by their ids where a server gives no index, or always 0."""
    for index in ({}, {"index": 0}):
        calls = [
            {**index, "id": "a", "function": {"name": "f", "arguments": '{"x":'}},
            {**index, "function": {"arguments": "1}"}},
            {**index, "id": "b", "function": {"name": "g", "arguments": "{}"}},
        ]
        pieces = read(*(chunk(tool_calls=[call]) for call in calls), chunk("tool_calls"))
        assert [piece.call for piece in pieces if isinstance(piece, ToolCallPiece)] == [
            ToolCall("a", "f", {"x": 1}),
            ToolCall("b", "g"),
        ]


def test_calls_are_told_as_they_are_written() -> None:
    """Each part of a call is a piece of its own, so that a dialect can stream it."""
    parts = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]
    parts += [{"index": 0, "function": {"arguments": part}} for part in ('{"x', '": 1}')]
    pieces = read(*(chunk(tool_calls=[part]) for part in parts), chunk("tool_calls"))
    assert [piece for piece in pieces if isinstance(piece, ToolCallDelta)] == [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(0, arguments='{"x'),
        ToolCallDelta(0, arguments='": 1}'),
    ]


def test_forced_call_finishes_as_a_call() -> None:
    """OpenAI says "stop" when a tool was forced; it was a call all the same."""
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    finish = read(chunk(tool_calls=[call]), chunk("stop"))[-1]
    assert isinstance(finish, Finish)
    assert finish.reason == "tool_calls"


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ("", ToolCall("c", "f")),
        ("null", ToolCall("c", "f")),
        ('{"a": 1}', ToolCall("c", "f", {"a": 1})),
        ('{"a": ', ToolCall("c", "f", malformed_arguments='{"a": ')),
        ("[1]", ToolCall("c", "f", malformed_arguments="[1]")),
    ],
)
def test_arguments(arguments: str, call: ToolCall) -> None:
    """Arguments that a model has written wrongly are handed on as they are, beside empty ones."""
    assert tool_call("c", "f", arguments) == call


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 2}, (3, 2, 5, 0, 0)),
        (
            {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 9, **THOUGHT},
            (3, 6, 9, 0, 4),
        ),
        ({"prompt_tokens": 3, "completion_tokens": 2, "prompt_cache_hit_tokens": 1}, (3, 2, 5, 1, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 2, "num_cached_tokens": 1}, (3, 2, 5, 1, 0)),
        ({}, (0, 0, 0, 0, 0)),
    ],
)
def test_usage(usage: dict[str, Any], counted: tuple[int, ...]) -> None:
    """Tokens are counted alike, whatever a provider calls them and whether reasoning is in the output."""
    finish = read({**chunk("stop"), "usage": usage})[-1]
    assert isinstance(finish, Finish)
    found = finish.usage
    assert counted == (
        found.prompt_tokens,
        found.completion_tokens,
        found.total_tokens,
        found.cached_tokens,
        found.reasoning_tokens,
    )


def test_groq_tells_the_usage_in_a_corner() -> None:
    """Groq's usage is found where it puts it when nobody asks."""
    finish = read({**chunk("stop"), "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}})[-1]
    assert isinstance(finish, Finish)
    assert finish.usage.total_tokens == 5


def test_refusal_is_text() -> None:
    """A refusal in words is shown, not lost."""
    assert TextPiece("I can't") in read(chunk("stop", refusal="I can't"))


def test_content_in_parts() -> None:
    """Mistral's reasoning comes as a part of the content."""
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "4"}]
    assert read(chunk("stop", content=parts))[:2] == [ReasoningPiece("hm"), TextPiece("4")]


async def test_server_that_cannot_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """A server that answers a stream's request whole is read all the same."""
    answer = {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    server = await serve(provider_that(lambda exchange: exchange.answer(answer)))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url)})
    assert text_of(await streamed_chat(gateway, model="openai/m")) == "whole"


@pytest.mark.parametrize(
    ("listed", "context"),
    [
        ({"id": "a", "context_length": 1}, 1),
        ({"id": "a", "context_window": 2}, 2),
        ({"id": "a", "max_context_length": 3}, 3),
        ({"id": "a", "max_model_len": 4}, 4),
        ({"id": "a", "meta": {"n_ctx": 5, "n_ctx_train": 9, "n_params": 268098176, "size": 9}}, 5),
        ({"id": "a"}, None),
    ],
)
async def test_list(listed: dict[str, Any], context: int | None, serve: Serve, open_gateway: OpenGateway) -> None:
    """The length of the context is found under each of its names."""
    server = await serve(lambda exchange: exchange.answer({"data": [listed]}))
    (model,) = await (await open_gateway({"openai": ProviderSettings(base_url=server.url)})).models()
    assert (model.id, model.context_length) == ("openai/a", context)
    assert model.size == ("268M" if "meta" in listed else "")


async def test_server_without_a_list(serve: Serve, open_gateway: OpenGateway) -> None:
    """Where a server has no list, the configuration's models are listed."""

    async def script(exchange: Exchange) -> None:
        await exchange.answer("Not Found", 404, "text/plain")

    server = await serve(script)
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url, models=("org/x", "y"))})
    assert [model.name for model in await gateway.models()] == ["org/x", "y"]


def test_call_ids_for_mistral() -> None:
    """An id of another provider becomes one that Mistral takes, always the same; its own stay."""
    assert nine_characters("D681PevKs") == "D681PevKs"
    made = nine_characters("call_i8bNJ8oVFq9EVr3dZvYC0tiJ")
    assert made == nine_characters("call_i8bNJ8oVFq9EVr3dZvYC0tiJ")
    assert len(made) == 9
    assert made.isalnum()


def test_each_kind_is_found() -> None:
    """Every module's provider is there, the contract's first."""
    assert next(iter(provider_kinds())) == "ollama"
    assert {"openai", "groq", "mistral", "deepseek", "cerebras", "openrouter", "xai"} <= set(provider_kinds())
