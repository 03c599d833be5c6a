"""The shapes of an answer in OpenAI's chat completions, whole or in pieces.

Only what is read is named; whatever else a server sends is skipped.  Where servers differ, the
fields are lenient, since a strict reader would break with every new server.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from hecate.serve_llm.pieces import Usage


class FunctionDelta(Struct):
    """The name of a function, and (more of) its arguments."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class CallDelta(Struct):
    """A tool call, or more of one."""

    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class Thought(Struct):
    """A text inside a part of Mistral's content."""

    text: str = ""


class ContentChunk(Struct):
    """A part of the content, where a server gives it in parts, as Mistral does for reasoning."""

    type: str = "text"
    text: str = ""
    thinking: list[Thought] = []


class Said(Struct):
    """A message, or more of one."""

    content: str | list[ContentChunk] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """As Groq and OpenRouter call it."""
    reasoning_details: list[dict[str, Any]] | None = None
    """What OpenRouter wants back unchanged."""
    refusal: str | None = None
    tool_calls: list[CallDelta] | None = None


class Choice(Struct):
    """One of the answers; others than the first are not asked for."""

    index: int = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class PromptDetails(Struct):
    """What the input consists of."""

    cached_tokens: int | None = None


class CompletionDetails(Struct):
    """What the output consists of."""

    reasoning_tokens: int | None = None


class TokenUsage(Struct):
    """The usage as OpenAI, Mistral (``num_…``) and DeepSeek (``prompt_cache_…``) tell it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    num_cached_tokens: int | None = None
    prompt_cache_hit_tokens: int | None = None

    def neutral(self) -> Usage:
        """Return the same, counted as everywhere in the gateway."""
        prompt = self.prompt_tokens or 0
        completion = self.completion_tokens or 0
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        reasoning = (self.completion_tokens_details.reasoning_tokens if self.completion_tokens_details else None) or 0
        total = self.total_tokens or prompt + completion
        if reasoning and total == prompt + completion + reasoning:
            # xAI does not count reasoning as output.
            completion += reasoning
        return Usage(
            prompt, completion, total, cached or self.num_cached_tokens or self.prompt_cache_hit_tokens or 0, reasoning
        )


class GroqExtras(Struct):
    """Where Groq puts the usage of a stream that was not asked for it."""

    usage: TokenUsage | None = None


class Completion(Struct):
    """An answer, or a chunk of one, or an error in the place of either."""

    choices: list[Choice] | None = None
    usage: TokenUsage | None = None
    x_groq: GroqExtras | None = None
    error: Any = None
    object: str | None = None
