"""What Google sends is read right, also what the recordings do not hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import (
    Finish,
    FinishReason,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallPiece,
    Usage,
)
from hecate.serve_llm.providers.google_answer import Reading
from hecate.serve_llm.providers.provider import Account

ACCOUNT = Account(name="google", kind="google", base_url="http://127.0.0.1:1")


def read(*documents: Any) -> list[Piece]:
    """Return the pieces that *documents*, chunks or an answer, add up to."""
    reading = Reading(ACCOUNT)
    pieces: list[Piece] = []
    for document in documents:
        reading.take(json.dumps(document).encode(), pieces)
    reading.finish(pieces)
    return pieces


def chunk(*parts: Any, reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """Return a chunk, or a whole answer, of *parts*."""
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": reason}], **more}


@pytest.mark.parametrize(
    ("reason", "neutral"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("OF_NEXT_YEAR", "stop"),
    ],
)
def test_reasons(reason: str, neutral: FinishReason) -> None:
    """Each reason to finish has its neutral word, also one that is not known yet."""
    assert read(chunk({"text": "Hi"}, reason=reason)) == [TextPiece("Hi"), Finish(neutral)]


def test_blocked_prompt() -> None:
    """A prompt that is not answered at all is a matter of a filter."""
    usage = {"promptTokenCount": 9, "totalTokenCount": 9}
    assert read({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage}) == [
        Finish("content_filter", Usage(9, 0, 9, 0, 0))
    ]


def test_usage() -> None:
    """The last figures count: what tools have found is input, what was thought is output."""
    last = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "toolUsePromptTokenCount": 10,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "totalTokenCount": 122,
    }
    pieces = read(
        chunk({"text": "Hi"}, reason=None, usageMetadata={"promptTokenCount": 1}),
        chunk(usageMetadata=last),
        {"usageMetadata": None},
    )
    assert pieces[-1] == Finish("stop", Usage(110, 12, 122, cached_tokens=60, reasoning_tokens=7))


def test_calls() -> None:
    """Calls come whole, several at once, with ids or without; that there are any is why the model stopped."""
    first, second, third, finish = read(
        chunk(
            {"functionCall": {"name": "f", "args": {"x": 1}, "id": "a"}},
            {"functionCall": {"name": "g"}},
            {"functionCall": {"name": "g", "args": [1]}},
        )
    )
    assert first == ToolCallPiece(0, ToolCall("a", "f", {"x": 1}))
    assert isinstance(second, ToolCallPiece)
    assert isinstance(third, ToolCallPiece)
    assert (second.index, second.call.name, second.call.arguments) == (1, "g", {})
    assert third.call.malformed_arguments == "[1]"
    assert len({"a", second.call.id, third.call.id}) == 3
    assert finish == Finish("tool_calls")


def test_what_is_kept() -> None:
    """Signatures are kept with the part that they are on, parts of Google's own with their places."""
    code = {"executableCode": {"code": "1+1"}, "thoughtSignature": "s2"}
    thought = {"text": "So", "thought": True, "thoughtSignature": "s4"}
    pieces = read(
        chunk({"text": "Hm", "thought": True}, {"text": "Hello", "thoughtSignature": "s1"}, reason=None),
        chunk(
            code, {"text": " you"}, {"functionCall": {"name": "f", "id": "a"}, "thoughtSignature": "s3"}, reason=None
        ),
        chunk(thought, {"thoughtSignature": "s5"}),
    )
    assert pieces == [
        ReasoningPiece("Hm"),
        SignaturePiece({"provider": "google", "block": {"thoughtSignature": "s1"}, "characters": 5}),
        TextPiece("Hello"),
        SignaturePiece({"provider": "google", "block": code, "after_characters": 5}),
        TextPiece(" you"),
        SignaturePiece({"provider": "google", "block": {"thoughtSignature": "s3"}, "call_id": "a"}),
        ToolCallPiece(0, ToolCall("a", "f")),
        ReasoningPiece("So"),
        SignaturePiece({"provider": "google", "block": thought, "after_characters": 9, "after_calls": 1}),
        SignaturePiece(
            {
                "provider": "google",
                "block": {"thoughtSignature": "s5"},
                "after_characters": 9,
                "after_calls": 1,
                "characters": 0,
            }
        ),
        Finish("tool_calls"),
    ]


def test_other_candidates() -> None:
    """Of several answers the first one counts."""
    others = {"candidates": [{"index": 1, "content": {"parts": [{"text": "No"}]}, "finishReason": "SAFETY"}]}
    assert read(others, chunk({"text": "Yes"})) == [TextPiece("Yes"), Finish("stop")]


def test_chunks_as_a_list() -> None:
    """A server that cannot send events sends its chunks as one list."""
    assert read([chunk({"text": "Hel"}, reason=None), chunk({"text": "lo"})]) == [
        TextPiece("Hel"),
        TextPiece("lo"),
        Finish("stop"),
    ]


@pytest.mark.parametrize(
    "documents",
    [
        [{"candidates": None, "promptFeedback": None}, chunk()],
        [{"candidates": [{"content": None, "finishReason": None}]}, {"candidates": [{"finishReason": "STOP"}]}],
        [{"candidates": [{"content": {"parts": None}, "finishReason": "STOP"}]}],
        [chunk({"text": ""}, {"text": "", "thought": True}), {"promptFeedback": {"blockReason": None}}],
    ],
)
def test_gaps(documents: list[Any]) -> None:
    """What is missing or null is nothing, and no failure."""
    assert read(*documents) == [Finish("stop")]


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
        [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}],
    ],
)
def test_errors(document: Any) -> None:
    """An error in the place of an answer, or after a part of one, rises with Google's words."""
    with pytest.raises(ProviderFailed, match="google broke off: The model is overloaded"):
        read(chunk({"text": "Hel"}, reason=None), document)


@pytest.mark.parametrize("documents", [[], [{}], [[]], [chunk({"text": "Hel"}, reason=None)]])
def test_half_an_answer(documents: list[Any]) -> None:
    """An answer that ends before the model did is no answer."""
    with pytest.raises(ProviderFailed, match="in the middle"):
        read(*documents)


@pytest.mark.parametrize("payload", [b"", b"5", b'{"candidates": [{', b'{"candidates": [{"finishReason": "\xff"}]}'])
def test_nonsense(payload: bytes) -> None:
    """What is no JSON, or no answer, cannot be read."""
    with pytest.raises(ProviderFailed, match="cannot be read"):
        Reading(ACCOUNT).take(payload, [])
