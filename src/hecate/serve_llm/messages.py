"""A conversation and a request for the next message, in no provider's dialect.

The endpoint and the dialects make a `ChatRequest`; each provider's adapter turns it into the
provider's own form.  What an adapter cannot say to its provider is an error, never dropped.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Signature = dict[str, Any]
"""An opaque object that a provider wants back unchanged.

The adapter that made it wrote its provider's name under ``provider``; the others ignore it.
"""


class CacheControl(Struct, frozen=True):
    """A mark after which the provider may cache what it has read so far."""

    type: Literal["ephemeral"] = "ephemeral"
    ttl: Literal["5m", "1h"] | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The mark as providers take it, who refuse a ``ttl`` that is null."""
        return {"type": self.type} if self.ttl is None else {"type": self.type, "ttl": self.ttl}


class TextPart(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text in a message."""

    text: str
    cache_control: CacheControl | None = None


class _Attachment(Struct, frozen=True):
    """Either the bytes of something, or its address.

    Raises:
        ValueError: It has neither *data* nor *url*, both, or *data* without *media_type*.
    """

    data: str = ""
    """The bytes, in base64."""
    media_type: str = ""
    """Such as ``image/png``."""
    url: str = ""
    cache_control: CacheControl | None = None

    def __post_init__(self) -> None:
        """Refuse what could be read in two ways or in none."""
        if bool(self.data) == bool(self.url):
            raise ValueError("it needs either `data` or `url`")
        if self.data and not self.media_type:
            raise ValueError("what is given as `data` needs its `media_type`")

    @property
    def as_url(self) -> str:
        """The address; where there are bytes, a ``data:`` URL of them."""
        return self.url or f"data:{self.media_type};base64,{self.data}"


class ImagePart(_Attachment, frozen=True, tag_field="type", tag="image"):
    """A picture in a message."""


class FilePart(_Attachment, frozen=True, tag_field="type", tag="file"):
    """A document or a recording in a message, such as a PDF."""

    name: str = ""


Part = TextPart | ImagePart | FilePart
Content = str | tuple[Part, ...]


class ToolCall(Struct, frozen=True, omit_defaults=True):
    """A call of a tool that the model asks for."""

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    malformed_arguments: str = ""
    """What the model wrote, where that is no JSON object; `arguments` is empty then."""


class _Said(Struct, frozen=True):
    """What the messages of every role share."""

    content: Content | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts, whichever way it was given; empty for no text at all."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content or ()

    @property
    def text(self) -> str:
        """The text of all parts, without anything between them."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or () if isinstance(part, TextPart))


class SystemMessage(_Said, frozen=True, tag_field="role", tag="system"):
    """Instructions to the model."""

    content: Content


class DeveloperMessage(_Said, frozen=True, tag_field="role", tag="developer"):
    """Instructions to the model, by OpenAI's newer name for them."""

    content: Content


class UserMessage(_Said, frozen=True, tag_field="role", tag="user"):
    """What the user says."""

    content: Content
    name: str = ""


class AssistantMessage(_Said, frozen=True, tag_field="role", tag="assistant"):
    """What the model said in an earlier turn."""

    content: Content | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    signatures: tuple[Signature, ...] = ()


class ToolMessage(_Said, frozen=True, tag_field="role", tag="tool", kw_only=True):
    """What a tool gave back."""

    content: Content
    tool_call_id: str
    is_error: bool = False


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class Tool(Struct, frozen=True):
    """A function that the model may ask to be called."""

    name: str
    description: str | None = None
    input_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None
    """Whether arguments must follow the schema exactly; None leaves it to the provider."""
    cache_control: CacheControl | None = None


class ToolChoice(Struct, frozen=True):
    """Whether the model may, must or must not call tools, or which one it must call."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""
    """The tool's name; with ``named`` only."""


class ResponseFormat(Struct, frozen=True):
    """The form that the model's text must have: any JSON, or JSON of one schema."""

    type: Literal["json_object", "json_schema"]
    schema: dict[str, Any] | None = None
    name: str = "answer"
    strict: bool | None = None
    """Whether the provider must enforce the schema; None leaves it to the provider."""


class ChatRequest(Struct, frozen=True, kw_only=True):
    """A request for the next message of a conversation."""

    model: str
    """As the caller names it; once routed, as the provider does."""
    messages: tuple[Message, ...]
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    """As the provider names it, such as ``none``, ``minimal``, ``low``, ``medium``, ``high``."""
    timeout_seconds: float | None = None
    """The longest that the whole call may take; None: as configured."""
    venture_id: str | None = None
    division_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields for the provider's own request, passed on as they are; they win over ours."""
