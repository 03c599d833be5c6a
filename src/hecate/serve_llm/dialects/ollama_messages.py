"""The messages of Ollama's chats, and the way from them to the neutral form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct, field

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    Content,
    ImagePart,
    Message,
    Part,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)

_IMAGE_TYPES = {"iVBORw0K": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How the bytes of each type begin, in base64."""


class GivenFunction(Struct, frozen=True):
    """Which tool, and with what."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


class GivenCall(Struct, frozen=True):
    """A call in an earlier turn; older clients know no ids."""

    function: GivenFunction
    id: str | None = None


class GivenMessage(Struct, frozen=True):
    """A message of any role."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    images: tuple[str, ...] | None = None
    """In base64."""
    tool_calls: tuple[GivenCall, ...] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


def neutral_messages(messages: Sequence[GivenMessage]) -> Iterator[Message]:
    """Give *messages* in the gateway's own form.

    Raises:
        Invalid: An image is of no known type, or a result answers no call.
    """
    unanswered: list[ToolCall] = []
    calls = 0
    for message in messages:
        match message.role:
            case "system":
                yield SystemMessage(_content(message))
            case "user":
                yield UserMessage(_content(message))
            case "assistant":
                made = []
                for call in message.tool_calls or ():
                    calls += 1
                    made.append(ToolCall(call.id or f"call_{calls}", call.function.name, call.function.arguments))
                unanswered.extend(made)
                yield AssistantMessage(_content(message), tuple(made), message.thinking or "")
            case "tool":
                call_id = message.tool_call_id or _answered(message, unanswered)
                yield ToolMessage(content=_content(message), tool_call_id=call_id)


def _answered(message: GivenMessage, unanswered: list[ToolCall]) -> str:
    """Return the id of the call that *message* answers: the first of that name, else the first."""
    if not unanswered:
        raise Invalid("a message of role `tool` answers no call of the assistant's - at `$.messages`")
    found = next((call for call in unanswered if call.name == message.tool_name), unanswered[0])
    unanswered.remove(found)
    return found.id


def _content(message: GivenMessage) -> Content:
    text = message.content or ""
    if not message.images:
        return text
    parts: list[Part] = [TextPart(text)] if text else []
    return (*parts, *(image(data) for data in message.images))


def image(data: str) -> ImagePart:
    """Return the picture whose bytes are *data* in base64; Ollama's clients do not say of which type it is.

    Raises:
        Invalid: It is of no type that is known.
    """
    for beginning, media_type in _IMAGE_TYPES.items():
        if data.startswith(beginning):
            return ImagePart(data=data, media_type=media_type)
    raise Invalid("an image must be PNG, JPEG, GIF or WebP, in base64")
