"""What clients have really sent to OpenAI and Anthropic is read right: it can be written as it was.

The recordings are data from elsewhere: ``HECATE_WIRE_CORPUS`` names the file, one JSON object a
line, or these tests are skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.connections import Connections
from hecate.serve_llm.dialects import anthropic_request, openai_request
from hecate.serve_llm.providers import anthropic_body, openai_body
from hecate.serve_llm.providers.anthropic import Anthropic
from hecate.serve_llm.providers.openai import OpenAi
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.upstream import Upstream

CORPUS = os.environ.get("HECATE_WIRE_CORPUS", "")
ACCOUNT = Account(name="provider", kind="openai", base_url="http://127.0.0.1:1")
UPSTREAM = Upstream(ACCOUNT, Connections(), {})

Recording = dict[str, Any]


@cache
def recordings() -> tuple[Recording, ...]:
    """Return all recordings."""
    if not CORPUS:
        return ()
    return tuple(map(json.loads, Path(CORPUS).read_text(encoding="utf-8").splitlines()))


def each(provider: str) -> pytest.MarkDecorator:
    """Run a test with the request of each recording of *provider*."""
    found = [recording for recording in recordings() if recording["provider"] == provider]
    none = pytest.param(None, marks=pytest.mark.skip(reason="HECATE_WIRE_CORPUS names no file of recordings"))
    requests = [recording["request"] for recording in found]
    return pytest.mark.parametrize("sent", requests or [none], ids=[recording["id"] for recording in found] or None)


def through_openai(body: bytes, *, streamed: bool) -> Any:
    """Return *body*, read by the dialect and written by the adapter."""
    request = openai_request.neutral_request(body, OpenAi(ACCOUNT, UPSTREAM, openai_body.OPENAI), streamed=streamed)
    return json.loads(openai_body.request_body(request, "provider", {}, openai_body.OPENAI))


def through_anthropic(body: bytes, *, streamed: bool) -> Any:
    """Return *body*, read by the dialect and written by the adapter."""
    request = anthropic_request.neutral_request(body, Anthropic(ACCOUNT, UPSTREAM), streamed=streamed)
    return json.loads(msgspec.json.encode(anthropic_body.request_body(request, "provider", {}, 4096)))


def written(through: Callable[..., Any], sent: Any) -> Any:
    """Return what is written of *sent*; None: it is refused, for something that only its own provider can do."""
    body = json.dumps(sent).encode()
    if only_at_its_own_provider(sent):
        with pytest.raises(Invalid, match=r"`\$\.|Anthropic's own"):
            through(body, streamed=bool(sent.get("stream")))
        return None
    return through(body, streamed=bool(sent.get("stream")))


def only_at_its_own_provider(sent: Any) -> bool:
    """Tell whether a request asks for what the neutral form has no word for."""
    tools = [tool for tool in sent.get("tools", ()) if tool.get("type") not in {None, "custom", "function"}]
    words = ("server_tool_use", "tool_reference", "tool_addition")
    in_messages = any(f'"type": "{word}"' in json.dumps(sent["messages"]) for word in words)
    return bool(tools) or in_messages or bool(sent.keys() & {"mcp_servers", "moderation", "web_search_options"})


def said(messages: Any) -> Any:
    """Return *messages* in the one of several equal forms that our adapters write."""
    told = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, str) and message["role"] != "tool":
            content = [{"type": "text", "text": content}]
        calls = [_call(call) for call in message.get("tool_calls") or ()]
        if not isinstance(content, str):
            # Signed thinking is for Anthropic alone, which gets it without our reading it.
            content = [_block(block) for block in content or () if block["type"] != "thinking"]
        told.append((message["role"], content, calls, message.get("tool_call_id")))
    return told


def _call(call: Any) -> Any:
    return call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}")


def _block(block: Any) -> Any:
    if block["type"] == "tool_result" and isinstance(block["content"], str):
        block = {**block, "content": [{"type": "text", "text": block["content"]}]}
    return block


@each("openai")
def test_openais_requests(sent: Any) -> None:
    """Every field that was sent is there again, but for those that say nothing."""
    got = written(through_openai, sent)
    if got is None:
        return
    assert said(got.pop("messages")) == said(sent["messages"])
    assert got == {name: value for name, value in sent.items() if name not in {"messages", "n", "user"}}


@each("anthropic")
def test_anthropics_requests(sent: Any) -> None:
    """The same, but for how much is thought, which is told in words between providers."""
    got = written(through_anthropic, sent)
    if got is None:
        return
    assert said(got.pop("messages")) == said(sent["messages"])
    system = sent.get("system")
    if isinstance(system, str):
        system = [{"type": "text", "text": system}]
    assert got.pop("system", None) == (system or None)
    for fields in (got, sent := dict(sent)):
        fields.pop("thinking", None)
    assert got == {name: value for name, value in sent.items() if name not in {"messages", "system", "metadata"}}
