"""Every neutral request has its form at Anthropic, or is refused in words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    CacheControl,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.anthropic_body import request_body
from hecate.serve_llm.providers.anthropic_models import claude

HI = UserMessage("Hi")
TOOL = Tool("f", "Does it.", {"properties": {"x": {"type": "integer"}}})
SCHEMA = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}, "b": {"type": "array"}}}


def sent(*messages: Any, model: str = "claude-sonnet-4-5", options: Any = None, **more: Any) -> dict[str, Any]:
    """Return what is sent for a request with *messages*."""
    request = ChatRequest(model=model, messages=messages or (HI,), **more)
    body = request_body(request, "anthropic", options or {}, claude(model).limit_tokens)
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(body))
    return decoded


def text(said: str) -> dict[str, str]:
    """Return a block of text."""
    return {"type": "text", "text": said}


def test_settings() -> None:
    """Settings have Anthropic's names."""
    body = sent(temperature=0.5, top_p=0.9, max_tokens=7, stop=("END",), stream=True)
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
    }


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-latest", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-opus-4-1", 32_000),
        ("claude-sonnet-4-0", 64_000),
        ("claude-haiku-4-5-20251001", 64_000),
        ("claude-opus-4-6", 128_000),
        ("claude-fable-5-1", 128_000),
        ("deepseek-chat", 8192),
    ],
)
def test_default_limit(model: str, limit: int) -> None:
    """Where nobody has said how long the answer may be, it is as long as the model can make it."""
    assert sent(model=model)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("model", "line", "version"),
    [
        ("claude-3-5-sonnet-20241022", "sonnet", (3, 5)),
        ("claude-3-opus-20240229", "opus", (3, 0)),
        ("claude-opus-4-20250514", "opus", (4, 0)),
        ("claude-haiku-4-5-20251001", "haiku", (4, 5)),
        ("claude-sonnet-4.6", "sonnet", (4, 6)),
        ("claude-sonnet-5", "sonnet", (5, 0)),
        ("claude-next", "", (0, 0)),
    ],
)
def test_names(model: str, line: str, version: tuple[int, int]) -> None:
    """A model's name tells its line and its version, in the old order and in the new one."""
    assert claude(model) == (line, version)


def test_instructions() -> None:
    """All instructions are sent, those in mid-conversation too, in the one place that older models know."""
    body = sent(SystemMessage("One."), DeveloperMessage("Two."), HI, SystemMessage("Three."))
    assert body["system"] == [text("One."), text("Two."), text("Three.")]
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_instructions_in_mid_conversation() -> None:
    """A newer model gets instructions where they stand: after the user's turn, and never twice in a row."""
    body = sent(
        SystemMessage("One."),
        HI,
        AssistantMessage("Hello"),
        SystemMessage("Two."),
        UserMessage("And?"),
        SystemMessage("Three."),
        AssistantMessage("So"),
        SystemMessage("Four."),
        model="claude-opus-4-8",
    )
    assert body["system"] == [text("One."), text("Four.")]
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "system", "assistant"]
    assert body["messages"][3]["content"] == [text("Two."), text("Three.")]


def test_parts() -> None:
    """Images and documents go as bytes or addresses; marks for the cache go along."""
    body = sent(
        UserMessage(
            (
                TextPart("See", CacheControl(ttl="1h")),
                TextPart(" "),
                ImagePart(data="iVBO", media_type="image/png"),
                ImagePart(url="https://x/y.png", cache_control=CacheControl()),
                ImagePart(url="data:image/gif;base64,R0lG"),
                FilePart(data="JVBE", media_type="application/pdf", name="a.pdf"),
                FilePart(data="SGk=", media_type="text/markdown"),
                FilePart(url="https://x/y.pdf"),
            )
        )
    )
    assert body["messages"][0]["content"] == [
        {**text("See"), "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {
            "type": "image",
            "source": {"type": "url", "url": "https://x/y.png"},
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lG"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}},
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
    ]


def test_tools() -> None:
    """Tools, calls and results: parallel results are one turn, and what the user adds belongs to it."""
    body = sent(
        HI,
        AssistantMessage("I look.", (ToolCall("a:1", "f", {"x": 1}), ToolCall("b", "f", malformed_arguments="{x"))),
        ToolMessage(content="2", tool_call_id="a:1"),
        ToolMessage(content=(ImagePart(url="https://x"),), tool_call_id="b", is_error=True),
        UserMessage("Well?"),
        UserMessage("Say!"),
        tools=(TOOL, Tool("g", strict=True, cache_control=CacheControl())),
        parallel_tool_calls=False,
    )
    assert body["tools"] == [
        {
            "name": "f",
            "description": "Does it.",
            "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
        },
        {
            "name": "g",
            "input_schema": {"type": "object", "properties": {}},
            "strict": True,
            "cache_control": {"type": "ephemeral"},
        },
    ]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert body["messages"][1]["content"] == [
        text("I look."),
        {"type": "tool_use", "id": "a_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {"INVALID_JSON": "{x"}},
    ]
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a_1", "content": [text("2")], "is_error": False},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}],
            "is_error": True,
        },
        text("Well?"),
    ]
    assert body["messages"][3] == {"role": "user", "content": [text("Say!")]}


def test_empty_answer() -> None:
    """A turn in which the assistant said nothing is left out, since Anthropic refuses it."""
    assert [turn["role"] for turn in sent(HI, AssistantMessage(""), HI)["messages"]] == ["user", "user"]


@pytest.mark.parametrize(
    ("choice", "parallel", "said"),
    [
        (ToolChoice("auto"), None, {"type": "auto"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), True, {"type": "any"}),
        (ToolChoice("named", "f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_tool_choice(choice: ToolChoice, parallel: bool | None, said: dict[str, Any]) -> None:  # noqa: FBT001
    """Each choice has Anthropic's word."""
    assert sent(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel)["tool_choice"] == said


def test_tool_choice_without_tools() -> None:
    """A choice that says nothing without tools is left out; one that demands a call is for Anthropic to refuse."""
    assert "tool_choice" not in sent(tool_choice=ToolChoice("auto"), parallel_tool_calls=False)
    assert sent(tool_choice=ToolChoice("required"))["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("claude-sonnet-4-5", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8192}}),
        ("claude-sonnet-4-5", "none", {}),
        (
            "claude-opus-4-8",
            "xhigh",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}},
        ),
        (
            "claude-sonnet-5",
            "minimal",
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
        ),
        ("claude-sonnet-5", "none", {"thinking": {"type": "disabled"}}),
    ],
)
def test_reasoning(model: str, effort: str, fields: dict[str, Any]) -> None:
    """An effort is a level for newer models, a number of tokens for older ones."""
    body = sent(model=model, reasoning_effort=effort)
    assert {name: body[name] for name in ("thinking", "output_config") if name in body} == fields


def test_reasoning_leaves_room() -> None:
    """Reasoning takes at most half of a small limit, which must be more than the least there is."""
    body = sent(reasoning_effort="high", max_tokens=6000)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 3000}
    with pytest.raises(Invalid, match="1024 tokens at least"):
        sent(reasoning_effort="low", max_tokens=1024)


def test_json_schema() -> None:
    """A schema is enforced; every object in it is closed, which Anthropic demands."""
    body = sent(response_format=ResponseFormat("json_schema", SCHEMA), reasoning_effort="low", model="claude-opus-5")
    assert body["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {
                    "a": {"type": "object", "properties": {}, "additionalProperties": False},
                    "b": {"type": "array"},
                },
                "additionalProperties": False,
            },
        },
    }


def test_own_fields() -> None:
    """Fields of Anthropic's own win over ours; its tools stand beside ours."""
    body = sent(
        tools=(TOOL,),
        reasoning_effort="low",
        response_format=ResponseFormat("json_schema", {}),
        options={"top_k": 5, "service_tier": "auto"},
        extra={
            "top_k": 7,
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "thinking": {"type": "disabled"},
            "output_config": {"effort": "max"},
        },
    )
    assert (body["top_k"], body["service_tier"], body["thinking"]) == (7, "auto", {"type": "disabled"})
    assert [tool["name"] for tool in body["tools"]] == ["f", "web_search"]
    assert body["output_config"] == {"effort": "max", "format": {"type": "json_schema", "schema": {}}}


def test_reasoning_of_others() -> None:
    """What another model has thought is not told to Claude, who would want it signed."""
    said = AssistantMessage("Hello", reasoning="Hm", signatures=({"provider": "google", "block": {}},))
    assert sent(HI, said)["messages"][1]["content"] == [text("Hello")]


@pytest.mark.parametrize(
    ("messages", "more", "why"),
    [
        ((), {"seed": 1}, "seed"),
        ((), {"temperature": 1.5}, "temperature"),
        ((), {"response_format": ResponseFormat("json_object")}, "json_schema"),
        ((), {"reasoning_effort": "huge"}, "huge"),
        ((), {"extra": {"messages": []}}, "messages"),
        ((SystemMessage((ImagePart(url="https://x"),)),), {}, "text only"),
        ((HI, AssistantMessage((ImagePart(url="https://x"),))), {}, "text only"),
        ((UserMessage((FilePart(data="UklG", media_type="audio/wav"),)),), {}, "audio/wav"),
        ((UserMessage((FilePart(data="%", media_type="text/plain"),)),), {}, "base64"),
    ],
)
def test_what_cannot_be_done(messages: tuple[Any, ...], more: dict[str, Any], why: str) -> None:
    """What Anthropic cannot do is refused in words, not left out."""
    with pytest.raises(Invalid, match=why):
        sent(*messages, **more)
