"""The messages of Anthropic's API, and the way from them to the neutral form.

Anthropic puts into one turn what are several messages elsewhere: the results of tools, and what
the user says besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.dialects.anthropic_blocks import (
    Block,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    parts_of,
    shown_parts,
)
from hecate.serve_llm.dialects.kept_marks import unmarked
from hecate.serve_llm.messages import (
    AssistantMessage,
    Content,
    Message,
    Part,
    Signature,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.provider import Provider

MALFORMED = "INVALID_JSON"
"""The field in which arguments that are no JSON object are wrapped, as Anthropic's documentation advises."""


class UserTurn(Struct, frozen=True, tag_field="role", tag="user"):
    """What the user says, and what tools gave back."""

    content: str | tuple[Block, ...]


class AssistantTurn(Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said, and what it asked for."""

    content: str | tuple[Block, ...]


class SystemTurn(Struct, frozen=True, tag_field="role", tag="system"):
    """Instructions in the middle of a conversation."""

    content: str | tuple[TextBlock, ...]


Turn = UserTurn | AssistantTurn | SystemTurn


def neutral_messages(turns: Sequence[Turn], provider: Provider) -> Iterator[Message]:
    """Give *turns* in the gateway's own form.

    Raises:
        Invalid: A turn has what *provider* cannot be given.
    """
    for turn in turns:
        match turn:
            case SystemTurn(content):
                yield SystemMessage(shown_parts(content))
            case UserTurn(content):
                yield from _user(_blocks(content), provider)
            case AssistantTurn(content):
                yield _assistant(_blocks(content))


def _blocks(content: str | tuple[Block, ...]) -> Sequence[Block]:
    return (TextBlock(content),) if isinstance(content, str) else content


def _user(blocks: Sequence[Block], provider: Provider) -> Iterator[Message]:
    parts: list[Part] = []
    for block in blocks:
        match block:
            case TextBlock() | ImageBlock() | DocumentBlock():
                parts.extend(parts_of(block))
            case ToolResultBlock():
                text, shown = _result(block, provider)
                parts.extend(shown)
                yield ToolMessage(content=text, tool_call_id=block.tool_use_id, is_error=bool(block.is_error))
            case _:
                raise Invalid("a user's turn consists of text, images, documents and results of tools")
    if parts:
        yield UserMessage(tuple(parts))


def _result(block: ToolResultBlock, provider: Provider) -> tuple[Content, Sequence[Part]]:
    """Return what goes into the result, and what must be shown to the model after it."""
    parts = shown_parts(block.content)
    if provider.dialect != "openai" or all(isinstance(part, TextPart) for part in parts):
        return parts, ()
    # OpenAI's API takes text only as a result, so the user shows the rest.
    text = tuple(part for part in parts if isinstance(part, TextPart))
    return text or "(shown below)", [part for part in parts if not isinstance(part, TextPart)]


def _assistant(blocks: Sequence[Block]) -> AssistantMessage:
    texts: list[Part] = []
    calls: list[ToolCall] = []
    reasoning: list[str] = []
    signatures: list[Signature] = []
    for block in blocks:
        match block:
            case TextBlock(text):
                texts.append(TextPart(text, block.cache_control))
            case ToolUseBlock():
                calls.append(_call(block))
            case ThinkingBlock(thinking):
                reasoning.append(thinking)
            case RedactedThinkingBlock(data):
                if (signature := unmarked(data)) is not None:
                    signatures.append(signature)
            case _:
                raise Invalid("an assistant's turn consists of text, thinking and calls of tools")
    return AssistantMessage(tuple(texts), tuple(calls), "\n".join(reasoning), tuple(signatures))


def _call(block: ToolUseBlock) -> ToolCall:
    if block.input.keys() == {MALFORMED} and isinstance(written := block.input[MALFORMED], str):
        return ToolCall(block.id, block.name, malformed_arguments=written)
    return ToolCall(block.id, block.name, block.input)
