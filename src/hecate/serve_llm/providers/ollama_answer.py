"""What comes back from Ollama's ``/api/chat``, whole or line by line."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import Finish, FinishReason, Piece, ReasoningPiece, TextPiece, ToolCallPiece, Usage
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.refusals import failure_in_stream, not_understood


class _Function(Struct):
    name: str = ""
    arguments: dict[str, Any] | None = None


class _Call(Struct):
    function: _Function
    id: str | None = None


class _Said(Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(Struct):
    message: _Said | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    """Left out by older servers when the whole prompt was cached."""
    eval_count: int | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Line).decode


class Reading:
    """Reads one answer: give it what arrives, then ask for the end."""

    __slots__ = ("_account", "_calls", "_last", "complete", "ended")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._calls = 0
        self._last: _Line | None = None
        self.complete = self.ended = False
        """Whether the model has finished: its last line says so."""

    def take(self, payload: bytes, pieces: list[Piece]) -> None:
        """Add to *pieces* what *payload*, an answer or a line, brings.

        Raises:
            ProviderFailed: It is an error, or not understood.
        """
        try:
            line = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self._account, exc) from exc
        if line.error is not None:
            raise failure_in_stream(self._account, payload)
        said = line.message
        if said is not None:
            if said.thinking:
                pieces.append(ReasoningPiece(said.thinking))
            if said.content:
                pieces.append(TextPiece(said.content))
            for call in said.tool_calls or ():
                made = ToolCall(call.id or f"call_{token_hex(12)}", call.function.name, call.function.arguments or {})
                pieces.append(ToolCallPiece(self._calls, made))
                self._calls += 1
        if line.done:
            self._last = line
            self.complete = self.ended = True

    def finish(self, pieces: list[Piece]) -> None:
        """Add the end to *pieces*.

        Raises:
            ProviderFailed: The answer ended before the model did.
        """
        last = self._last
        if last is None:
            raise ProviderFailed(
                f"{self._account.name} ended its answer in the middle: there was no last line",
                provider=self._account.name,
            )
        reason: FinishReason = "length" if last.done_reason == "length" else "stop"
        if self._calls and reason == "stop":
            reason = "tool_calls"
        pieces.append(Finish(reason, Usage.of(last.prompt_eval_count or 0, last.eval_count or 0)))
