"""What providers have really sent is read right, and what they have accepted is what is sent.

The recordings are data from elsewhere: ``HECATE_WIRE_CORPUS`` names the file, one JSON object a
line, or these tests are skipped.
"""

from __future__ import annotations

import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import ProviderSettings
from tests.fakes.scripted_server import Exchange
from tests.serve_llm.asking import KEY, OpenGateway, Serve, chat, streamed_chat, text_of

CORPUS = os.environ.get("HECATE_WIRE_CORPUS", "")
SPEAK_OPENAI = ("openai", "groq", "mistral", "cerebras", "deepseek")

Recording = dict[str, Any]


@cache
def recordings() -> tuple[Recording, ...]:
    """Return the recordings of providers that speak OpenAI's API."""
    if not CORPUS:
        return ()
    lines = Path(CORPUS).read_text(encoding="utf-8").splitlines()
    return tuple(found for found in map(json.loads, lines) if found["provider"] in SPEAK_OPENAI)


def succeeded(recording: Recording) -> bool:
    """Tell whether the provider gave an answer, rather than an error at once or inside a stream."""
    return recording["status"] == 200 and "event: error" not in recording["response"]


def each(*, ok: bool) -> pytest.MarkDecorator:
    """Run a test with each recording of a success, or of a failure."""
    chosen = [found for found in recordings() if succeeded(found) == ok]
    none = pytest.param(None, marks=pytest.mark.skip(reason="HECATE_WIRE_CORPUS names no file of recordings"))
    names = [f"{found['provider']}-{found['id']}" for found in chosen]
    return pytest.mark.parametrize("recording", chosen or [none], ids=names or None)


def in_pieces(body: bytes, rng: random.Random) -> list[bytes]:
    """Return *body* cut at some random bytes, as a network does."""
    places = sorted(rng.sample(range(1, len(body)), min(len(body) - 1, rng.choice((1, 7, 60)))))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


async def replaying(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> tuple[Gateway, list[Any]]:
    """Return a gateway whose provider plays *recording*, and the list that its requests go into."""
    rng = random.Random(recording["id"])
    requests: list[Any] = []

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.answer({"data": []})
            return
        requests.append(exchange.json())
        await exchange.begin(recording["content_type"], recording["status"])
        for piece in in_pieces(recording["response"].encode(), rng):
            await exchange.piece(piece)
        await exchange.end()

    server = await serve(script)
    settings = ProviderSettings(base_url=server.url, api_key=KEY)
    return await open_gateway({recording["provider"]: settings}), requests


def neutral_body(recording: Recording) -> dict[str, Any]:
    """Return the request of *recording* as a body for ``POST /api/llm/chat``."""
    request = dict(recording["request"])
    body: dict[str, Any] = {
        "model": f"{recording['provider']}/{request.pop('model')}",
        "messages": [neutral_message(message) for message in request.pop("messages")],
    }
    request.pop("stream_options", None)
    for name in ("tools", "stop", "top_p", "reasoning_effort", "response_format", "tool_choice"):
        if name in request:
            body[name] = request.pop(name)
    if body.get("tool_choice") == "any":
        body["tool_choice"] = "required"
    body["stream"] = request.pop("stream", False)
    body["extra"] = request
    return body


def neutral_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return *message* in the gateway's form."""
    known = ("role", "content", "tool_calls", "tool_call_id")
    said = {name: value for name, value in message.items() if name in known}
    if "reasoning_content" in message:
        said["reasoning"] = message["reasoning_content"]
    if isinstance(said.get("content"), list):
        said["content"] = [neutral_part(part) for part in said["content"]]
    return said


def neutral_part(part: dict[str, Any]) -> dict[str, Any]:
    """Return *part* of a message in the gateway's form."""
    return {"type": "file", "url": part["document_url"]} if part["type"] == "document_url" else part


@each(ok=True)
async def test_reading(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """Text, reasoning, tool calls, finish reason and tokens are those of the recording, wherever it is cut."""
    gateway, _ = await replaying(recording, serve, open_gateway)
    said = as_recorded(recording)
    if recording["stream"]:
        chunks = await streamed_chat(gateway, **neutral_body(recording))
        last = chunks[-1]
        calls = [call for chunk in chunks for call in chunk.get("tool_calls", [])]
        reasoning = "".join(chunk.get("reasoning", "") for chunk in chunks)
        content = text_of(chunks)
    else:
        last = await chat(gateway, **neutral_body(recording))
        calls, reasoning, content = last.get("tool_calls", []), last.get("reasoning", ""), last["content"]
    assert content == said["content"]
    assert reasoning == said["reasoning"]
    assert [(call["id"], call["name"], call.get("arguments", {})) for call in calls] == said["calls"]
    assert last["finish_reason"] == said["finish_reason"]
    assert last["usage"] == said["usage"]


@each(ok=True)
async def test_writing(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """The same conversation is sent to the provider as in the recording, which it has accepted."""
    gateway, requests = await replaying(recording, serve, open_gateway)
    body = neutral_body(recording)
    await (streamed_chat(gateway, **body) if recording["stream"] else chat(gateway, **body))
    assert comparable(requests[0]) == comparable(recording["request"])


@each(ok=False)
async def test_failures(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """An error, as an answer or inside a stream, is passed on with the provider's own message."""
    gateway, _ = await replaying(recording, serve, open_gateway)
    body = neutral_body(recording)
    if recording["stream"]:
        failure = (await streamed_chat(gateway, **body))[-1]
        assert failure["done"]
        assert failure["code"] == "provider_error"
        assert "Tool choice is required, but model did not call a tool" in failure["error"]
    else:
        said = json.loads(recording["response"])["error"]["message"]
        with pytest.raises(Exception, match="answered 400") as caught:
            await chat(gateway, **body)
        assert " ".join(said.split()) in str(caught.value)


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """Return *request* without what makes no difference to a provider."""
    request = {name: value for name, value in request.items() if value is not None}
    request["messages"] = [comparable_message(message) for message in request["messages"]]
    request["tools"] = [{"type": "function", **tool} for tool in request.get("tools", [])]
    request.pop("stream_options", None)
    return request


def comparable_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return *message* without what makes no difference to a provider."""
    said = {name: value for name, value in message.items() if name != "prefix" or value}
    said["content"] = said.get("content") or None
    said["tool_calls"] = [
        {
            "id": call["id"],
            "name": call["function"]["name"],
            "arguments": json.loads(call["function"]["arguments"]),
        }
        for call in said.get("tool_calls", [])
    ]
    return said


def as_recorded(recording: Recording) -> dict[str, Any]:
    """Return what *recording* says, read in the plainest way."""
    if recording["stream"]:
        lines = recording["response"].split("\n")
        documents = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    else:
        documents = [json.loads(recording["response"])]
    content, reasoning, finish_reason = "", "", None
    usage: dict[str, Any] = {}
    calls: dict[int, list[str]] = {}
    for document in documents:
        usage = document.get("usage") or document.get("x_groq", {}).get("usage") or usage
        for choice in document.get("choices", []):
            said = choice.get("delta") or choice.get("message") or {}
            finish_reason = choice.get("finish_reason") or finish_reason
            for part in plain_parts(said.get("content")):
                content += part.get("text", "")
                reasoning += "".join(thought["text"] for thought in part.get("thinking", []))
            reasoning += said.get("reasoning_content") or said.get("reasoning") or ""
            for position, call in enumerate(said.get("tool_calls") or []):
                known = calls.setdefault(call.get("index", position), ["", "", ""])
                known[0] = call.get("id") or known[0]
                known[1] = call["function"].get("name") or known[1]
                known[2] += call["function"]["arguments"]
    details = usage.get("prompt_tokens_details") or {}
    return {
        "content": content,
        "reasoning": reasoning,
        "finish_reason": finish_reason,
        "calls": [(id_, name, json.loads(arguments)) for id_, name, arguments in calls.values()],
        "usage": {
            "prompt_tokens": usage.get("prompt_tokens", 0),
            "completion_tokens": usage.get("completion_tokens", 0),
            "total_tokens": usage.get("total_tokens", 0),
            "cached_tokens": details.get("cached_tokens", usage.get("num_cached_tokens", 0)),
            "reasoning_tokens": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0),
        },
    }


def plain_parts(content: Any) -> list[dict[str, Any]]:
    """Return *content* as parts."""
    return content if isinstance(content, list) else [{"text": content or ""}]
