"""Every neutral request has its form at Google, or is refused in words."""

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
from hecate.serve_llm.providers.google_body import UNSIGNED, request_body

HI = UserMessage("Hi")
TOOL = Tool("f", "Does it.", {"type": "object", "properties": {"x": {"type": "integer"}}})


def sent(*messages: Any, model: str = "gemini-2.5-flash", options: Any = None, **more: Any) -> dict[str, Any]:
    """Return what is sent for a request with *messages*."""
    request = ChatRequest(model=model, messages=messages or (HI,), **more)
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(request_body(request, "google", options or {})))
    return decoded


def test_settings() -> None:
    """Settings have Google's names, and are in the one place."""
    body = sent(temperature=1.5, top_p=0.9, max_tokens=7, stop=("END",), seed=3, stream=True)
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {
            "temperature": 1.5,
            "topP": 0.9,
            "maxOutputTokens": 7,
            "stopSequences": ["END"],
            "seed": 3,
        },
    }


def test_instructions() -> None:
    """All instructions are sent, those in mid-conversation too, in the one place that there is."""
    body = sent(SystemMessage("One."), DeveloperMessage((TextPart("Two."),)), HI, SystemMessage("Three."))
    assert [part["text"] for part in body["systemInstruction"]["parts"]] == ["One.", "Two.", "Three."]
    assert len(body["contents"]) == 1


def test_parts() -> None:
    """Images and files go as bytes or as addresses; Google caches without marks."""
    body = sent(
        UserMessage(
            (
                TextPart("See", CacheControl()),
                ImagePart(data="iVBO", media_type="image/png"),
                ImagePart(url="https://x/y.png"),
                ImagePart(url="https://x/y"),
                ImagePart(url="data:image/gif;base64,R0lG"),
                ImagePart(url="data:,a%20b"),
                FilePart(data="UklG", media_type="audio/wav"),
            )
        )
    )
    assert body["contents"][0]["parts"] == [
        {"text": "See"},
        {"inlineData": {"mimeType": "image/png", "data": "iVBO"}},
        {"fileData": {"fileUri": "https://x/y.png", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://x/y"}},
        {"inlineData": {"mimeType": "image/gif", "data": "R0lG"}},
        {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
    ]


def test_empty_messages() -> None:
    """A message without a text has an empty one, since Google wants a part."""
    body = sent(UserMessage(""), AssistantMessage(None), HI)
    assert [content["parts"] for content in body["contents"]] == [[{"text": ""}], [{"text": ""}], [{"text": "Hi"}]]


def test_tools() -> None:
    """Tools, calls and results: parallel results are one content, and each names its function."""
    body = sent(
        HI,
        AssistantMessage("I look.", (ToolCall("a", "f", {"x": 1}), ToolCall("b", "g", malformed_arguments="{x"))),
        ToolMessage(content="2", tool_call_id="a"),
        ToolMessage(content='{"y": 2}', tool_call_id="b"),
        UserMessage("Well?"),
        ToolMessage(content="{oops", tool_call_id="a", is_error=True),
        ToolMessage(content=(TextPart("{a"), ImagePart(data="iVBO", media_type="image/png")), tool_call_id="b"),
        tools=(TOOL, Tool("g")),
        parallel_tool_calls=True,
    )
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "Does it.", "parametersJsonSchema": TOOL.input_schema},
                {"name": "g", "parametersJsonSchema": {"type": "object", "properties": {}}},
            ]
        }
    ]
    assert "toolConfig" not in body
    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}},
                {"functionCall": {"id": "b", "name": "g", "args": {"INVALID_JSON": "{x"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"output": "2"}}},
                {"functionResponse": {"id": "b", "name": "g", "response": {"y": 2}}},
            ],
        },
        {"role": "user", "parts": [{"text": "Well?"}]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "a", "name": "f", "response": {"error": "{oops"}}},
                {
                    "functionResponse": {
                        "id": "b",
                        "name": "g",
                        "response": {"output": "{a"},
                        "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}],
                    }
                },
            ],
        },
    ]


@pytest.mark.parametrize(
    ("model", "signed"),
    [
        ("gemini-2.0-flash", False),
        ("gemini-2.5-pro", False),
        ("gemini-3-flash-preview", True),
        ("gemini-3.1-pro", True),
        ("gemini-10-pro", True),
        ("gemini-flash-latest", True),
        ("gemma-4", False),
    ],
)
def test_calls_of_another_model(model: str, signed: bool) -> None:  # noqa: FBT001
    """A model that wants calls signed is told that the first of a turn has been made by another."""
    said = AssistantMessage(tool_calls=(ToolCall("a", "f"), ToolCall("b", "f")))
    first, second = sent(HI, said, model=model)["contents"][1]["parts"]
    assert first.get("thoughtSignature") == (UNSIGNED if signed else None)
    assert "thoughtSignature" not in second


def test_calls_of_its_own() -> None:
    """A call that is signed keeps its own signature."""
    kept = {"provider": "google", "block": {"thoughtSignature": "sig"}, "call_id": "a"}
    said = AssistantMessage(tool_calls=(ToolCall("a", "f"),), signatures=(kept,))
    (part,) = sent(HI, said, model="gemini-3-pro")["contents"][1]["parts"]
    assert part["thoughtSignature"] == "sig"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: ToolChoice, said: dict[str, Any]) -> None:
    """Each choice has Google's word."""
    assert sent(tools=(TOOL,), tool_choice=choice)["toolConfig"] == {"functionCallingConfig": said}


def test_strict_tools() -> None:
    """Arguments that must follow their schema are validated."""
    assert sent(tools=(Tool("f", strict=True),))["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}


@pytest.mark.parametrize(
    ("model", "effort", "said"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3-pro", "max", {"thinkingLevel": "high", "includeThoughts": True}),
    ],
)
def test_reasoning(model: str, effort: str, said: dict[str, Any]) -> None:
    """An effort is a level for newer models, a number of tokens for older ones; the thoughts are asked for."""
    assert sent(model=model, reasoning_effort=effort)["generationConfig"] == {"thinkingConfig": said}


def test_json() -> None:
    """Any JSON, and JSON of one schema."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    whatever = sent(response_format=ResponseFormat("json_object"))
    assert whatever["generationConfig"] == {"responseMimeType": "application/json"}
    held = sent(response_format=ResponseFormat("json_schema", schema))
    assert held["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}


def test_own_fields() -> None:
    """Fields of Google's own win over ours and find their place; its tools stand beside ours."""
    body = sent(
        tools=(TOOL,),
        temperature=0.5,
        tool_choice=ToolChoice("auto"),
        options={"topK": 5, "safetySettings": []},
        extra={
            "topK": 7,
            "generationConfig": {"temperature": 0.7},
            "toolConfig": {"includeServerSideToolInvocations": True},
            "tools": [{"googleSearch": {}}],
        },
    )
    assert body["generationConfig"] == {"temperature": 0.7, "topK": 7}
    assert body["safetySettings"] == []
    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "AUTO"},
        "includeServerSideToolInvocations": True,
    }
    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"], ["googleSearch"]]


@pytest.mark.parametrize(
    ("messages", "more", "why"),
    [
        ((), {"tools": (TOOL,), "parallel_tool_calls": False}, "several tools"),
        ((), {"reasoning_effort": "huge"}, "huge"),
        ((), {"reasoning_effort": "none", "model": "gemini-3-pro"}, "cannot be kept from reasoning"),
        ((), {"extra": {"contents": []}}, "contents"),
        ((SystemMessage((ImagePart(url="https://x"),)),), {}, "text only"),
        ((HI, ToolMessage(content="2", tool_call_id="a")), {}, "needs the call"),
        (
            (
                HI,
                AssistantMessage(tool_calls=(ToolCall("a", "f"),)),
                ToolMessage(content=(ImagePart(url="https://x"),), tool_call_id="a"),
            ),
            {},
            "fetches nothing",
        ),
    ],
)
def test_what_cannot_be_done(messages: tuple[Any, ...], more: dict[str, Any], why: str) -> None:
    """What Google cannot do is refused in words, not left out."""
    with pytest.raises(Invalid, match=why):
        sent(*messages, **more)
