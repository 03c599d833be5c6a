"""An answer as Ollama gives it to a chat or a generation, whole or line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Any, Literal

import msgspec

from hecate.serve_llm.dialects.openai_answer import refuse_failed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import (
    Began,
    ChatAnswer,
    Finish,
    FinishReason,
    Piece,
    ReasoningPiece,
    TextPiece,
    ToolCallPiece,
    Usage,
)

Kind = Literal["chat", "generate"]
"""A chat's answers hold a message, a generation's a response."""
MALFORMED = "INVALID_JSON"
"""The field in which arguments that are no JSON object are wrapped."""

_encode = msgspec.json.Encoder().encode


class Lines:
    """Writes an answer; for a whole one, too, the time runs from here.

    Args:
        kind: Whether it is a chat's or a generation's.
        shows_thinking: Whether the client wants to see it.
    """

    __slots__ = ("_calls", "_first_ns", "_kind", "_model", "_provider", "_shows_thinking", "_started_ns")

    def __init__(self, kind: Kind, *, shows_thinking: bool) -> None:
        self._kind = kind
        self._shows_thinking = shows_thinking
        self._started_ns = monotonic_ns()
        self._first_ns: int | None = None
        self._model = ""
        self._provider = ""
        self._calls = 0

    def events(self, batch: list[Piece]) -> bytes:
        """Return the lines for *batch*.

        Raises:
            ProviderFailed: The model has ended its answer with an error.
        """
        lines: list[bytes] = []
        for piece in batch:
            match piece:
                case TextPiece(text):
                    lines.append(self._line(self._said(text)))
                case ReasoningPiece(text):
                    if self._shows_thinking:
                        lines.append(self._line(self._said("", text)))
                case ToolCallPiece(index, call):
                    lines.append(self._line(self._said("", calls=[_call(index, call)])))
                case Began(provider, model):
                    self._provider, self._model = provider, model
                    self._first_ns = monotonic_ns()
                case Finish():
                    refuse_failed(piece.reason, self._provider)
                    lines.append(self._line(self._said(""), self._end(piece.reason, piece.usage)))
        return b"".join(lines)

    def whole(self, answer: ChatAnswer) -> bytes:
        """Return *answer* in one.

        Raises:
            ProviderFailed: The model has ended its answer with an error.
        """
        refuse_failed(answer.finish_reason, answer.provider)
        self._model = answer.model
        calls = [_call(index, call) for index, call in enumerate(answer.tool_calls)]
        said = self._said(answer.content, answer.reasoning if self._shows_thinking else "", calls)
        return self._line(said, self._end(answer.finish_reason, answer.usage)).rstrip()

    def loaded(self, model: str, *, unloaded: bool) -> bytes:
        """Return the answer to a request that only loads a *model*, or unloads it: there is nothing to do."""
        self._model = model
        return self._line(self._said(""), {"done": True, "done_reason": "unload" if unloaded else "load"})

    def _said(self, text: str, thinking: str = "", calls: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        if self._kind == "generate":
            return {"response": text, "thinking": thinking} if thinking else {"response": text}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = calls
        return {"message": message}

    def _line(self, said: dict[str, Any], end: dict[str, Any] | None = None) -> bytes:
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = {"model": self._model, "created_at": created, **said, **(end or {"done": False})}
        return _encode(line) + b"\n"

    def _end(self, reason: FinishReason, usage: Usage) -> dict[str, Any]:
        now = monotonic_ns()
        first = self._first_ns or self._started_ns
        return {
            "done": True,
            "done_reason": "stop" if reason == "tool_calls" else reason,
            "total_duration": now - self._started_ns,
            "load_duration": 0,
            "prompt_eval_count": usage.prompt_tokens,
            "prompt_eval_duration": first - self._started_ns,
            "eval_count": usage.completion_tokens,
            "eval_duration": now - first,
        }


def _call(index: int, call: ToolCall) -> dict[str, Any]:
    arguments = {MALFORMED: call.malformed_arguments} if call.malformed_arguments else call.arguments
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}}
