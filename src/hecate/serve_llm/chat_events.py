"""A running chat as the server-sent events of ``POST /api/llm/chat``.

    data: {"content": "Hello", "done": false}

    data: {"content": "", "done": true, "model": …, "usage": …}

    data: [DONE]

What clients in use depend on, beyond the contract: each line is ASCII and begins with ``data: ``,
the last chunk has no content, and silence is filled with empty chunks rather than comments.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from json.encoder import encode_basestring_ascii
from time import monotonic
from typing import Any

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.made_images import made_images
from hecate.serve_llm.messages import Signature, ToolCall
from hecate.serve_llm.patient_stream import USUAL, Patience, PatientStream
from hecate.serve_llm.pieces import (
    Batches,
    Began,
    Finish,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallPiece,
)

EMPTY = b'data: {"content": "", "done": false}\n\n'
END = "data: [DONE]\n\n"

_text = encode_basestring_ascii


def chat_events(batches: Batches, warnings: Sequence[str], patience: Patience = USUAL) -> AsyncGenerator[bytes, None]:
    """Give the events of a chat; each item holds all that came together.

    Raises:
        HecateError: The chat has failed before anything was given; later that is an event.
    """
    return PatientStream(_events(batches, _Writing(warnings, patience)), EMPTY, _failure, patience)


async def _events(batches: Batches, writing: _Writing) -> AsyncGenerator[bytes, None]:
    given = False
    try:
        async for batch in batches:
            if events := writing.events(batch):
                given = True
                yield events
    except HecateError as exc:
        if not given:
            raise
        yield _failure(exc)
    finally:
        await batches.aclose()


def _failure(error: HecateError) -> bytes:
    return _line({"error": str(error), "code": error.code, "done": True}).encode("ascii")


class _Writing:
    """Turns pieces into events, and keeps what belongs into the last one."""

    __slots__ = ("_began", "_calls", "_given_at", "_patience", "_signatures", "_warnings")

    def __init__(self, warnings: Sequence[str], patience: Patience) -> None:
        self._warnings = warnings
        self._patience = patience
        self._began = Began("", "")
        self._calls: list[ToolCall] = []
        self._signatures: list[Signature] = []
        self._given_at = monotonic()

    def events(self, batch: list[Piece]) -> bytes:
        """Return the events for *batch*; empty if it shows nothing and the last event is not long ago."""
        lines: list[str] = []
        for piece in batch:
            if isinstance(piece, TextPiece):
                lines.append(f'data: {{"content": {_text(piece.text)}, "done": false}}\n\n')
            elif isinstance(piece, ReasoningPiece):
                lines.append(f'data: {{"content": "", "reasoning": {_text(piece.text)}, "done": false}}\n\n')
            elif isinstance(piece, ToolCallPiece):
                self._calls.append(piece.call)
            elif isinstance(piece, SignaturePiece):
                self._signatures.append(piece.signature)
            elif isinstance(piece, Began):
                self._began = piece
            elif isinstance(piece, Finish):
                lines.append(self._end(piece))
        if lines:
            self._given_at = monotonic()
            return "".join(lines).encode("ascii")
        if monotonic() - self._given_at > self._patience.beat_seconds:
            # A long tool call is being written, of which nothing is shown until it is whole.
            self._given_at = monotonic()
            return EMPTY
        return b""

    def _end(self, finish: Finish) -> str:
        calls = ""
        if self._calls:
            message = {"role": "assistant", "content": "", "tool_calls": [ollama_like(call) for call in self._calls]}
            calls = _line({"content": "", "tool_calls": self._calls, "message": message, "done": False})
        last: dict[str, Any] = {
            "content": "",
            "done": True,
            "model": self._began.model,
            "provider": self._began.provider,
            "finish_reason": finish.reason,
            "stop_reason": finish.reason,
            "usage": finish.usage,
            "eval_count": finish.usage.completion_tokens,
            "prompt_eval_count": finish.usage.prompt_tokens,
        }
        if finish.cost_usd is not None:
            last["cost_usd"] = finish.cost_usd
        if finish.stop_sequence:
            last["stop_sequence"] = finish.stop_sequence
        if self._signatures:
            last["signatures"] = self._signatures
            if images := made_images(self._signatures):
                last["images"] = images
        if self._warnings:
            last["warnings"] = list(self._warnings)
        return f"{calls}{_line(last)}{END}"


def ollama_like(call: ToolCall) -> dict[str, Any]:
    """Return *call* with its name and arguments also where Ollama's clients look for them."""
    return {
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _line(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(msgspec.to_builtins(event))}\n\n"
