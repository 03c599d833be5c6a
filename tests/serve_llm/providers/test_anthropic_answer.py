"""What Anthropic sends is read right, also what the recordings do not hold."""

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
    ToolCallDelta,
    ToolCallPiece,
    Usage,
)
from hecate.serve_llm.providers.anthropic_answer import Reading
from hecate.serve_llm.providers.provider import Account

ACCOUNT = Account(name="anthropic", kind="anthropic", base_url="http://127.0.0.1:1")
END = {"type": "message_stop"}


def read(*documents: Any) -> list[Piece]:
    """Return the pieces that *documents*, events or an answer, add up to."""
    reading = Reading(ACCOUNT)
    pieces: list[Piece] = []
    for document in documents:
        reading.take(json.dumps(document).encode(), pieces)
    reading.finish(pieces)
    return pieces


def whole(*blocks: Any, reason: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """Return a whole answer of *blocks*."""
    return {"type": "message", "content": list(blocks), "stop_reason": reason, **more}


def start(block: Any, index: int = 0) -> dict[str, Any]:
    """Return the event that begins *block*."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int = 0, **more: Any) -> dict[str, Any]:
    """Return an event with more of a block."""
    return {"type": "content_block_delta", "index": index, "delta": more}


def stop(index: int = 0) -> dict[str, Any]:
    """Return the event that ends a block."""
    return {"type": "content_block_stop", "index": index}


def ends(reason: str | None, **more: Any) -> dict[str, Any]:
    """Return the event that tells why the model stopped."""
    return {"type": "message_delta", "delta": {"stop_reason": reason, **more}}


@pytest.mark.parametrize(
    ("reason", "neutral"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("of_next_year", "stop"),
        (None, "stop"),
    ],
)
def test_reasons(reason: str | None, neutral: FinishReason) -> None:
    """Each reason to stop has its neutral word, also one that is not known yet."""
    assert read(whole({"type": "text", "text": "Hi"}, reason=reason)) == [TextPiece("Hi"), Finish(neutral)]


def test_stop_sequence() -> None:
    """Which sequence has ended the text is told."""
    said = read(
        start({"type": "text", "text": ""}),
        delta(type="text_delta", text="Hi"),
        stop(),
        ends("stop_sequence", stop_sequence="."),
        END,
    )
    assert said == [TextPiece("Hi"), Finish("stop", stop_sequence=".")]


def test_usage() -> None:
    """Anthropic counts the cache beside the input; later figures replace earlier ones, where there are any."""
    first = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 1,
    }
    later = {"input_tokens": 20, "cache_read_input_tokens": None, "output_tokens": 7}
    thought = {"output_tokens_details": {"thinking_tokens": 3}}
    begun = {"type": "message_start", "message": {"usage": first}}
    (finish,) = read(begun, {**ends("end_turn"), "usage": {**later, **thought}}, END)
    assert finish == Finish(
        "stop", Usage(1120, 7, 1127, cached_tokens=100, reasoning_tokens=3, cache_write_tokens=1000)
    )


def test_call_while_it_is_written() -> None:
    """A call is told as it is written, and once more when it is whole."""
    block = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    written = [delta(type="input_json_delta", partial_json=more) for more in ("", '{"x":', " 1}")]
    assert read(start(block), *written, stop(), ends("tool_use"), END) == [
        ToolCallDelta(0, "t1", "f"),
        ToolCallDelta(0, arguments='{"x":'),
        ToolCallDelta(0, arguments=" 1}"),
        ToolCallPiece(0, ToolCall("t1", "f", {"x": 1})),
        Finish("tool_calls"),
    ]


@pytest.mark.parametrize(
    ("block", "written", "call"),
    [
        ({"input": {"x": 1}}, "", ToolCall("t1", "f", {"x": 1})),
        ({"input": None}, "", ToolCall("t1", "f")),
        ({}, "", ToolCall("t1", "f")),
        ({"input": [1]}, "", ToolCall("t1", "f", malformed_arguments="[1]")),
        ({"input": {}}, '{"x"', ToolCall("t1", "f", malformed_arguments='{"x"')),
    ],
)
def test_odd_calls(block: Any, written: str, call: ToolCall) -> None:
    """Arguments that come at once, not at all or broken are told as such."""
    block = {"type": "tool_use", "id": "t1", "name": "f", **block}
    pieces = read(start(block), delta(type="input_json_delta", partial_json=written), ends("tool_use"), END)
    assert [piece.call for piece in pieces if isinstance(piece, ToolCallPiece)] == [call]
    assert pieces[-1] == Finish("tool_calls")


def test_call_without_an_id() -> None:
    """A call without an id, from a server that only resembles Anthropic's, gets one."""
    (piece, _) = read(whole({"type": "tool_use", "name": "f", "input": {}}))
    assert isinstance(piece, ToolCallPiece)
    assert piece.call.id.startswith("toolu_")


def test_blocks_without_ends_or_indexes() -> None:
    """A server that forgets the ends and the numbers of its blocks is understood all the same."""
    pieces = read(
        {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {}}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "id": "b", "name": "g", "input": {}}},
        END,
    )
    assert [piece.call.id for piece in pieces if isinstance(piece, ToolCallPiece)] == ["a", "b"]


def test_what_is_kept() -> None:
    """Blocks of Anthropic's own are kept unchanged with their places, calls by its own code with their caller."""
    caller = {"type": "code_execution_20250825", "tool_id": "s1"}
    blocks = [
        {"type": "thinking", "thinking": "Hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "Hello"},
        {"type": "of_next_year", "what": {"ever": [1]}},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {}, "caller": caller},
        {"type": "text", "text": "cited", "citations": [{"cited_text": "c"}]},
    ]
    assert read(whole(*blocks)) == [
        ReasoningPiece("Hm"),
        SignaturePiece({"provider": "anthropic", "block": blocks[0]}),
        SignaturePiece({"provider": "anthropic", "block": blocks[1]}),
        TextPiece("Hello"),
        SignaturePiece({"provider": "anthropic", "block": blocks[3], "after_characters": 5}),
        SignaturePiece({"provider": "anthropic", "block": {"caller": caller}, "call_id": "t1"}),
        ToolCallPiece(0, ToolCall("t1", "f")),
        TextPiece("cited"),
        SignaturePiece(
            {
                "provider": "anthropic",
                "block": {"citations": [{"cited_text": "c"}]},
                "after_characters": 5,
                "after_calls": 1,
                "characters": 5,
            }
        ),
        Finish("tool_calls"),
    ]


def test_unknown_deltas() -> None:
    """More of an unknown block is added to it, in the same names."""
    pieces = read(
        start({"type": "compaction", "content": "We "}),
        delta(type="compaction_delta", content="met.", encrypted={"a": 1}),
        stop(),
        {"type": "ping"},
        {"type": "of_next_year"},
        ends("end_turn"),
        END,
    )
    block = {"type": "compaction", "content": "We met.", "encrypted": {"a": 1}}
    assert pieces == [SignaturePiece({"provider": "anthropic", "block": block}), Finish("stop")]


@pytest.mark.parametrize(
    "documents",
    [
        [
            whole(
                {"type": None}, {"type": "text"}, {"type": "text", "text": None}, {"type": "thinking", "thinking": None}
            )
        ],
        [whole(usage=None), {"type": None}],
        [{"type": "message", "content": None, "stop_reason": "end_turn"}],
        [{"type": "message_start"}, {"type": "message_delta"}, delta(3, type="thinking_delta", thinking="x"), END],
        [start(None), delta(type="text_delta", text=None), {"type": "content_block_delta"}, stop(9), END],
    ],
)
def test_gaps(documents: list[Any]) -> None:
    """What is missing or null is nothing, and no failure."""
    assert [piece for piece in read(*documents) if not isinstance(piece, SignaturePiece)] == [Finish("stop")]


@pytest.mark.parametrize(
    "document",
    [
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        {"error": {"message": "Overloaded"}},
    ],
)
def test_errors(document: Any) -> None:
    """An error in the place of an answer, or after a part of one, rises with Anthropic's words."""
    with pytest.raises(ProviderFailed, match="anthropic broke off: Overloaded"):
        read(start({"type": "text", "text": "Hel"}), document)


@pytest.mark.parametrize("documents", [[], [{}], [start({"type": "text", "text": "Hel"})], [{"type": "message_start"}]])
def test_half_an_answer(documents: list[Any]) -> None:
    """An answer that ends before the model did is no answer."""
    with pytest.raises(ProviderFailed, match="in the middle"):
        read(*documents)


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"type": "message"', b'{"type": "\xff"}', b'{"content": "Hi"}'])
def test_nonsense(payload: bytes) -> None:
    """What is no JSON, or no answer, cannot be read."""
    with pytest.raises(ProviderFailed, match="cannot be read"):
        Reading(ACCOUNT).take(payload, [])
