"""A request for a message from Anthropic's API, and the way from it to the neutral form."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.dialects.anthropic_blocks import TextBlock, shown_parts
from hecate.serve_llm.dialects.anthropic_messages import Turn, neutral_messages
from hecate.serve_llm.dialects.own_settings import own_settings
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.messages import (
    CacheControl,
    ChatRequest,
    Message,
    ResponseFormat,
    SystemMessage,
    Tool,
    ToolChoice,
)
from hecate.serve_llm.providers.provider import Provider

HARMLESS = frozenset(
    {
        "cache_control",
        "diagnostics",
        "metadata",
        "service_tier",
        "speed",
        "stream",
        "user_profile_id",
        "workspace_id",
    }
)
"""What changes nothing about the answer, so that a provider that has no such thing need not know."""


class GivenTool(Struct, frozen=True):
    """A tool of the client's; Anthropic's own are of other types."""

    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None

    def neutral(self, provider: Provider) -> Tool:
        """Return the tool in the gateway's own form.

        Raises:
            Invalid: It is one of Anthropic's own.
        """
        if self.type not in {None, "custom"}:
            raise Invalid(f"{provider.name} has no tool of type {self.type!r}, which is Anthropic's own")
        schema = self.input_schema or {"type": "object", "properties": {}}
        return Tool(self.name, self.description, schema, self.strict, self.cache_control)


class GivenChoice(Struct, frozen=True):
    """Whether the model may, must or must not call tools."""

    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None

    def neutral(self) -> ToolChoice:
        """Return the choice in the gateway's own form."""
        match self.type:
            case "auto" | "none":
                return ToolChoice(self.type)
            case "any":
                return ToolChoice("required")
            case "tool":
                return ToolChoice("named", self.name)


class Thinking(Struct, frozen=True):
    """Whether and how much the model shall think before it answers."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int = 0

    @property
    def effort(self) -> str | None:
        """About the same in words; None: as the model likes."""
        if self.type != "enabled":
            return None
        if self.budget_tokens < 4096:
            return "low"
        return "medium" if self.budget_tokens < 16384 else "high"


class OutputFormat(Struct, frozen=True):
    """The schema that the answer must follow."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How the answer shall be."""

    effort: str | None = None
    format: OutputFormat | None = None


class MessageBody(Struct, frozen=True, kw_only=True):
    """A request for the next message of a conversation, as Anthropic takes it."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[tuple[Turn, ...], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    system: str | tuple[TextBlock, ...] | None = None
    stop_sequences: tuple[str, ...] | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: tuple[GivenTool, ...] | None = None
    tool_choice: GivenChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None


def neutral_request(body: bytes, provider: Provider, *, streamed: bool) -> ChatRequest:
    """Return the request in the gateway's own form.

    Raises:
        Invalid: It is wrong, or asks for what only Anthropic can do.
    """
    given, others = read_body(MessageBody, body)
    asked = {name: value for name, value in others.items() if name not in HARMLESS}
    config = given.output_config or OutputConfig()
    wanted = config.format or given.output_format
    instructions: list[Message] = [SystemMessage(shown_parts(given.system))] if given.system else []
    choice = given.tool_choice
    return ChatRequest(
        model=given.model,
        messages=(*instructions, *neutral_messages(given.messages, provider)),
        stream=streamed,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_tokens,
        stop=given.stop_sequences or (),
        tools=tuple(tool.neutral(provider) for tool in given.tools or ()),
        tool_choice=choice.neutral() if choice is not None and given.tools else None,
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        response_format=None if wanted is None else ResponseFormat("json_schema", wanted.schema),
        reasoning_effort=config.effort or (given.thinking.effort if given.thinking is not None else None),
        extra=own_settings(asked, provider),
    )
