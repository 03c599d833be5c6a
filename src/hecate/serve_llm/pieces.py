"""What comes back from a model, piece by piece, and the whole answer made of it.

A running chat gives *batches*: lists of the pieces that one read from the network brought,
so that pieces which arrived together can be sent on together.  The order is: one `Began`
(the gateway adds it), any of the others, one `Finish`.  A chat that was not asked to stream
gives the same pieces, only fewer of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Literal

from msgspec import Struct

from hecate.serve_llm.messages import Signature, ToolCall

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error"]


class Usage(Struct, frozen=True, omit_defaults=True):
    """How many tokens a chat took."""

    prompt_tokens: int
    """All input, cached or not."""
    completion_tokens: int
    """All output, reasoning included."""
    total_tokens: int
    cached_tokens: int
    """The part of the input that was read from the provider's cache."""
    reasoning_tokens: int
    """The part of the output that was reasoning."""
    cache_write_tokens: int = 0
    """The part of the input that was written to the provider's cache."""

    @classmethod
    def of(  # the one place that knows how the figures relate
        cls, prompt: int, completion: int, *, cached: int = 0, reasoning: int = 0, cache_write: int = 0
    ) -> Usage:
        """Return the usage of a call with *prompt* tokens of input and *completion* of output."""
        return cls(prompt, completion, prompt + completion, cached, reasoning, cache_write)


NO_USAGE = Usage(0, 0, 0, 0, 0)
"""Stands where the provider has told nothing."""


class Began(Struct, frozen=True):
    """Who answers: the provider, and its own name of the model."""

    provider: str
    model: str


class TextPiece(Struct, frozen=True):
    """More of the answer's text."""

    text: str


class ReasoningPiece(Struct, frozen=True):
    """More of what the model thinks before it answers."""

    text: str


class ToolCallDelta(Struct, frozen=True):
    """A part of a tool call that is still being written.

    The first of a call has its id and name.  Every call ends in a `ToolCallPiece` of the
    same index, whether or not there were deltas; who does not stream calls can ignore them.
    """

    index: int
    """Which call of this answer, from 0."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    """More of the arguments' JSON text."""


class ToolCallPiece(Struct, frozen=True):
    """A finished tool call."""

    index: int
    """Which call of this answer, from 0."""
    call: ToolCall


class SignaturePiece(Struct, frozen=True):
    """Something opaque that the provider wants back with the conversation's next request."""

    signature: Signature


class Finish(Struct, frozen=True):
    """The end of the answer."""

    reason: FinishReason
    usage: Usage = NO_USAGE
    stop_sequence: str = ""
    """Which of the stop sequences ended the text, where the provider says so."""
    cost_usd: float | None = None
    """None: unknown."""


Piece = Began | TextPiece | ReasoningPiece | ToolCallDelta | ToolCallPiece | SignaturePiece | Finish
Batches = AsyncGenerator[list[Piece], None]


class ChatAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole answer."""

    content: str
    model: str
    provider: str
    finish_reason: FinishReason
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    signatures: tuple[Signature, ...] = ()
    cost_usd: float | None = None
    stop_sequence: str = ""


def answer_of(pieces: Iterable[Piece]) -> ChatAnswer:
    """Return the answer that *pieces* add up to."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    signatures: list[Signature] = []
    began = Began("", "")
    finish = Finish("error")
    for piece in pieces:
        match piece:
            case TextPiece():
                text.append(piece.text)
            case ReasoningPiece():
                reasoning.append(piece.text)
            case ToolCallPiece():
                calls.append(piece.call)
            case SignaturePiece():
                signatures.append(piece.signature)
            case Began():
                began = piece
            case Finish():
                finish = piece
            case ToolCallDelta():
                pass
    return ChatAnswer(
        content="".join(text),
        model=began.model,
        provider=began.provider,
        finish_reason=finish.reason,
        usage=finish.usage,
        tool_calls=tuple(calls),
        reasoning="".join(reasoning),
        signatures=tuple(signatures),
        cost_usd=finish.cost_usd,
        stop_sequence=finish.stop_sequence,
    )


async def whole_answer(batches: Batches) -> ChatAnswer:
    """Return the answer that *batches* add up to, and close them."""
    async with aclosing(batches):
        return answer_of([piece async for batch in batches for piece in batch])


def text_in(pieces: Iterable[Piece]) -> str:
    """Return the answer's text, as far as it is in *pieces*."""
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
