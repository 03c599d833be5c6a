"""What comes back from Google's ``generateContent``, whole or in pieces.

One `Reading` serves both forms, since a chunk is an answer in small.  A part that is neither text
nor a call is kept as it is, and so are the signatures of those that are, to be sent back.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.messages import ToolCall
from hecate.serve_llm.pieces import (
    NO_USAGE,
    Finish,
    FinishReason,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallPiece,
    Usage,
)
from hecate.serve_llm.providers.kept import Kept
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.refusals import failure_in_stream, not_understood

FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "OTHER": "error",
}
SIGNATURE = "thoughtSignature"


class _Content(Struct):
    parts: list[dict[str, Any]] | None = None


class _Candidate(Struct, rename="camel"):
    """One of the answers; others than the first are not asked for."""

    content: _Content | None = None
    finish_reason: str | None = None
    index: int | None = None


class _TokenUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    """The part of the prompt that was read from a cache."""
    tool_use_prompt_token_count: int | None = None
    """What Google's own tools have found and shown to the model: input too, beside the prompt."""
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    """Reasoning: output too, beside the candidates."""

    def neutral(self) -> Usage:
        """Return the same, counted as everywhere in the gateway."""
        thoughts = self.thoughts_token_count or 0
        return Usage.of(
            (self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            (self.candidates_token_count or 0) + thoughts,
            cached=self.cached_content_token_count or 0,
            reasoning=thoughts,
        )


class _PromptFeedback(Struct, rename="camel"):
    block_reason: str | None = None


class _Answer(Struct, rename="camel"):
    """An answer, or a chunk of one, or an error in the place of either."""

    candidates: list[_Candidate] | None = None
    usage_metadata: _TokenUsage | None = None
    prompt_feedback: _PromptFeedback | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer | list[_Answer]).decode


class Reading:
    """Reads one answer: give it what arrives, then ask for the end."""

    __slots__ = ("_account", "_calls", "_characters", "_reason", "_usage", "complete", "ended")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._characters = 0
        """Of text so far."""
        self._calls = 0
        self._reason: FinishReason = "stop"
        self._usage: _TokenUsage | None = None
        self.complete = False
        """Whether the model has said why it stopped."""
        self.ended = False
        """Never: there is no end mark, the end of the body is it."""

    def take(self, payload: bytes, pieces: list[Piece]) -> None:
        """Add to *pieces* what *payload*, an answer or a chunk, brings.

        Raises:
            ProviderFailed: It is an error, or not understood.
        """
        try:
            answer = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self._account, exc) from exc
        # A server that cannot send events sends its chunks as one list.
        for chunk in answer if isinstance(answer, list) else (answer,):
            if chunk.error is not None:
                raise failure_in_stream(self._account, payload)
            self._take_chunk(chunk, pieces)

    def finish(self, pieces: list[Piece]) -> None:
        """Add the end to *pieces*.

        Raises:
            ProviderFailed: The answer ended before the model did.
        """
        if not self.complete:
            raise ProviderFailed(
                f"{self._account.name} ended its answer in the middle: it gave no reason to finish",
                provider=self._account.name,
            )
        reason = "tool_calls" if self._calls and self._reason == "stop" else self._reason
        pieces.append(Finish(reason, self._usage.neutral() if self._usage is not None else NO_USAGE))

    def _take_chunk(self, chunk: _Answer, pieces: list[Piece]) -> None:
        if chunk.usage_metadata is not None:
            self._usage = chunk.usage_metadata
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self._stop("content_filter")
        for candidate in chunk.candidates or ():
            if candidate.index:
                continue
            if candidate.content is not None:
                for part in candidate.content.parts or ():
                    self._take_part(part, pieces)
            if candidate.finish_reason:
                self._stop(FINISH_REASONS.get(candidate.finish_reason, "stop"))

    def _stop(self, reason: FinishReason) -> None:
        self._reason = reason
        self.complete = True

    def _take_part(self, part: dict[str, Any], pieces: list[Piece]) -> None:
        text = part.get("text")
        if isinstance(text, str):
            self._take_text(part, text, pieces)
        elif isinstance(call := part.get("functionCall"), dict):
            self._take_call(call, part.get(SIGNATURE), pieces)
        elif part.keys() <= {SIGNATURE}:
            self._take_text(part, "", pieces)
        else:
            self._keep(part, pieces)

    def _take_text(self, part: dict[str, Any], text: str, pieces: list[Piece]) -> None:
        signature = part.get(SIGNATURE)
        if part.get("thought"):
            if text:
                pieces.append(ReasoningPiece(text))
            if signature:
                self._keep(part, pieces)
            return
        if signature:
            self._keep({SIGNATURE: signature}, pieces, len(text))
        if text:
            self._characters += len(text)
            pieces.append(TextPiece(text))

    def _take_call(self, call: dict[str, Any], signature: Any, pieces: list[Piece]) -> None:
        id_ = str(call.get("id") or f"call_{token_hex(12)}")
        name, given = str(call.get("name") or ""), call.get("args")
        if given is None or isinstance(given, dict):
            made = ToolCall(id_, name, given or {})
        else:
            made = ToolCall(id_, name, malformed_arguments=msgspec.json.encode(given).decode())
        if signature:
            kept = Kept(self._account.name, {SIGNATURE: signature}, call_id=id_)
            pieces.append(SignaturePiece(kept.signature()))
        pieces.append(ToolCallPiece(self._calls, made))
        self._calls += 1

    def _keep(self, block: dict[str, Any], pieces: list[Piece], characters: int | None = None) -> None:
        kept = Kept(self._account.name, block, self._characters, self._calls, characters)
        pieces.append(SignaturePiece(kept.signature()))
