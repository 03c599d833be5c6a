"""The events of Anthropic's streams, and its whole answers.

The structs name what is read; whatever else comes is skipped.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from hecate.serve_llm.pieces import Usage


class OutputDetails(Struct):
    """What the output consists of."""

    thinking_tokens: int | None = None


class TokenUsage(Struct):
    """The usage; Anthropic counts what is read from the cache, or written to it, beside the input."""

    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None

    def update(self, later: TokenUsage) -> None:
        """Take over what *later* says; each event's figures are those of the whole message so far."""
        for field in self.__struct_fields__:
            if (value := getattr(later, field)) is not None:
                setattr(self, field, value)

    def neutral(self) -> Usage:
        """Return the same, counted as everywhere in the gateway."""
        cached, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        return Usage.of(
            (self.input_tokens or 0) + cached + written,
            self.output_tokens or 0,
            cached=cached,
            cache_write=written,
            reasoning=(self.output_tokens_details or OutputDetails()).thinking_tokens or 0,
        )


class Delta(Struct):
    """More of a block, or of the message itself."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    citation: Any = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Message(Struct):
    """A message, whole or about to begin."""

    usage: TokenUsage | None = None


class Event(Struct):
    """An event of a stream, or a whole answer."""

    type: str | None = None
    index: int | None = None
    delta: Delta | None = None
    content_block: dict[str, Any] | None = None
    message: Message | None = None
    usage: TokenUsage | None = None
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    error: Any = None
