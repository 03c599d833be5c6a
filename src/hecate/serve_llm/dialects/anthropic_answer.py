"""An answer as one of Anthropic's messages, whole or as the events of a stream.

What the model thinks is shown to those who have asked for it, as Anthropic does.  What another
provider wants back follows at the end, where nobody looks for the text (`kept_marks`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from hecate.serve_llm.dialects.anthropic_messages import MALFORMED
from hecate.serve_llm.dialects.calls_in_turn import CallPart, CallsInTurn
from hecate.serve_llm.dialects.kept_marks import MARK, marked
from hecate.serve_llm.dialects.openai_answer import refuse_failed
from hecate.serve_llm.messages import Signature, ToolCall
from hecate.serve_llm.pieces import (
    Began,
    ChatAnswer,
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

STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}

_encode = msgspec.json.Encoder().encode

Block = dict[str, Any]


def message(answer: ChatAnswer, id_: str, *, shows_thinking: bool) -> bytes:
    """Return *answer* as a message.

    Raises:
        ProviderFailed: The model has ended its answer with an error.
    """
    refuse_failed(answer.finish_reason, answer.provider)
    content: list[Block] = []
    if answer.reasoning and shows_thinking:
        content.append({"type": "thinking", "thinking": answer.reasoning, "signature": MARK})
    if answer.content:
        content.append({"type": "text", "text": answer.content})
    content.extend(
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call)} for call in answer.tool_calls
    )
    if answer.tool_calls or shows_thinking:
        content.extend(_kept(signature) for signature in answer.signatures)
    return _encode(
        {
            **_empty(id_, answer.model),
            "content": content,
            **_stopped(answer.finish_reason, answer.stop_sequence),
            "usage": _usage(answer.usage),
        }
    )


class MessageEvents:
    """Writes the events of a streamed message.

    Args:
        id_: The message's.
        shows_thinking: Whether the client has asked to see it.
    """

    __slots__ = ("_began", "_calls", "_id", "_index", "_kind", "_shows_thinking", "_signatures")

    def __init__(self, id_: str, *, shows_thinking: bool) -> None:
        self._id = id_
        self._shows_thinking = shows_thinking
        self._began = Began("", "")
        self._index = -1
        """Of the last block that was begun."""
        self._kind = ""
        """Of the block that is open; empty: none is."""
        self._calls = CallsInTurn()
        self._signatures: list[Signature] = []

    def events(self, batch: list[Piece]) -> bytes:
        """Return the events for *batch*.

        Raises:
            ProviderFailed: The model has ended its answer with an error.
        """
        events: list[bytes] = []
        for piece in batch:
            match piece:
                case TextPiece(text):
                    self._open("text", {"type": "text", "text": ""}, events)
                    events.append(self._delta(b'{"type":"text_delta","text":%b}' % _encode(text)))
                case ReasoningPiece(text):
                    if self._shows_thinking:
                        self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""}, events)
                        events.append(self._delta(b'{"type":"thinking_delta","thinking":%b}' % _encode(text)))
                case ToolCallDelta():
                    self._write_call(self._calls.delta(piece), events)
                case ToolCallPiece():
                    self._write_call(self._calls.finished(piece, _encode(_input(piece.call)).decode()), events)
                case SignaturePiece(signature):
                    self._signatures.append(signature)
                case Began():
                    self._began = piece
                    started = {**_empty(self._id, piece.model), "usage": _usage(Usage.of(0, 0))}
                    events.append(_event("message_start", {"message": started}))
                case Finish():
                    self._end(piece, events)
        return b"".join(events)

    def _write_call(self, part: CallPart | None, events: list[bytes]) -> None:
        if part is None:
            return
        if part.begins:
            self._open("", {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}, events)
            self._kind = "tool_use"
        if part.text:
            events.append(self._delta(b'{"type":"input_json_delta","partial_json":%b}' % _encode(part.text)))

    def _open(self, kind: str, block: Block, events: list[bytes]) -> None:
        """Begin *block*, unless one of its kind is open; there is no kind that two calls share."""
        if self._kind == kind and kind:
            return
        self._close(events)
        self._kind = kind
        self._index += 1
        events.append(_event("content_block_start", {"index": self._index, "content_block": block}))

    def _close(self, events: list[bytes]) -> None:
        if self._kind == "thinking":
            events.append(self._delta(_encode({"type": "signature_delta", "signature": MARK})))
        if self._kind:
            events.append(_event("content_block_stop", {"index": self._index}))
            self._kind = ""

    def _delta(self, delta: bytes) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n' % (
            self._index,
            delta,
        )

    def _end(self, finish: Finish, events: list[bytes]) -> None:
        refuse_failed(finish.reason, self._began.provider)
        self._close(events)
        if self._calls.any or self._shows_thinking:
            for signature in self._signatures:
                self._open("", _kept(signature), events)
                self._kind = "kept"
                self._close(events)
        delta = _stopped(finish.reason, finish.stop_sequence)
        events.append(_event("message_delta", {"delta": delta, "usage": _usage(finish.usage)}))
        events.append(_event("message_stop", {}))


def _event(type_: str, fields: Block) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (type_.encode(), _encode({"type": type_, **fields}))


def _empty(id_: str, model: str) -> Block:
    return {
        "id": id_,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _stopped(reason: FinishReason, sequence: str) -> Block:
    if reason == "stop" and sequence:
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence}
    return {"stop_reason": STOP_REASONS[reason], "stop_sequence": None}


def _input(call: ToolCall) -> Block:
    return {MALFORMED: call.malformed_arguments} if call.malformed_arguments else call.arguments


def _kept(signature: Signature) -> Block:
    return {"type": "redacted_thinking", "data": marked(signature)}


def _usage(usage: Usage) -> Block:
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }
