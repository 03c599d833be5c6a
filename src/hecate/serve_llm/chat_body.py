"""The body of ``POST /api/llm/chat``, with what it takes beside the neutral form, and the way to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    CacheControl,
    ChatRequest,
    Content,
    DeveloperMessage,
    Message,
    ResponseFormat,
    Signature,
    SystemMessage,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.settings import Seconds

CHOICES: dict[str, ToolChoice] = {
    "auto": ToolChoice("auto"),
    "none": ToolChoice("none"),
    "required": ToolChoice("required"),
}


class GivenFunction(Struct, frozen=True):
    """A function in OpenAI's shape: of a tool, or of a call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    arguments: str | dict[str, Any] | None = None


class GivenTool(Struct, frozen=True):
    """A tool: ``name``, ``description`` and ``input_schema``, or OpenAI's ``function``."""

    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    type: Literal["function"] = "function"
    function: GivenFunction | None = None

    def __post_init__(self) -> None:
        """Refuse a tool without a name."""
        if not self.name and self.function is None:
            raise ValueError("a tool needs a `name`")

    def neutral(self) -> Tool:
        """Return the tool in the gateway's own form."""
        function = self.function or GivenFunction(self.name or "", self.description, self.input_schema, self.strict)
        schema = function.parameters or {"type": "object", "properties": {}}
        return Tool(function.name, function.description, schema, function.strict, self.cache_control)


class GivenToolCall(Struct, frozen=True):
    """A call in an earlier turn: ``id``, ``name`` and ``arguments``, or OpenAI's ``function``."""

    id: str
    name: str | None = None
    arguments: dict[str, Any] | str | None = None
    type: Literal["function"] = "function"
    function: GivenFunction | None = None

    def __post_init__(self) -> None:
        """Refuse a call of nothing."""
        if not self.name and self.function is None:
            raise ValueError("a tool call needs a `name`")

    def neutral(self) -> ToolCall:
        """Return the call in the gateway's own form.

        Raises:
            Invalid: The arguments are no JSON object.
        """
        function = self.function or GivenFunction(self.name or "", arguments=self.arguments)
        arguments = function.arguments or {}
        if isinstance(arguments, str):
            try:
                arguments = msgspec.json.decode(arguments, type=dict[str, Any])
            except msgspec.MsgspecError as exc:
                raise Invalid(f"the arguments of tool call {self.id!r} are no JSON object: {exc}") from exc
        return ToolCall(self.id, function.name, arguments)


class GivenAssistantMessage(Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said in an earlier turn."""

    content: Content | None = None
    tool_calls: tuple[GivenToolCall, ...] | None = None
    reasoning: str | None = None
    signatures: tuple[Signature, ...] | None = None

    def neutral(self) -> AssistantMessage:
        """Return the message in the gateway's own form."""
        return AssistantMessage(
            self.content,
            tuple(call.neutral() for call in self.tool_calls or ()),
            self.reasoning or "",
            self.signatures or (),
        )


GivenMessage = SystemMessage | DeveloperMessage | UserMessage | GivenAssistantMessage | ToolMessage


class GivenSchema(Struct, frozen=True):
    """A schema in OpenAI's shape."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class GivenFormat(Struct, frozen=True):
    """The form of the answer; with ``json_schema`` either ``schema`` or OpenAI's ``json_schema``."""

    type: Literal["text", "json_object", "json_schema"]
    schema: dict[str, Any] | None = None
    name: str = "answer"
    strict: bool | None = None
    json_schema: GivenSchema | None = None

    def __post_init__(self) -> None:
        """Refuse a wish for a schema that shows none."""
        if self.type == "json_schema" and self.schema is None and (not self.json_schema or not self.json_schema.schema):
            raise ValueError("a response_format of type json_schema needs a `schema`")

    def neutral(self) -> ResponseFormat | None:
        """Return the form in the gateway's own form; None for plain text."""
        if self.type == "text":
            return None
        if self.json_schema is not None:
            given = self.json_schema
            return ResponseFormat(self.type, given.schema, given.name, given.strict)
        return ResponseFormat(self.type, self.schema, self.name, self.strict)


class ChatBody(Struct, frozen=True, kw_only=True):
    """A request for the next message of a conversation."""

    model: Annotated[str, Meta(min_length=1)]
    """A model's name, ``provider/name``, or an alias."""
    messages: Annotated[tuple[GivenMessage, ...], Meta(min_length=1)]
    stream: bool | None = False
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    tools: tuple[GivenTool, ...] | None = None
    tool_choice: str | dict[str, Any] | None = None
    """``auto``, ``none``, ``required``, or the name of the tool that must be called."""
    parallel_tool_calls: bool | None = None
    response_format: GivenFormat | None = None
    reasoning_effort: str | None = None
    timeout_seconds: Seconds | None = None
    venture_id: str | None = None
    division_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields for the provider's own request, passed on as they are."""

    def neutral(self) -> ChatRequest:
        """Return the request in the gateway's own form.

        Raises:
            Invalid: Two of its parts do not fit together.
        """
        tools = tuple(tool.neutral() for tool in self.tools) if self.tools else ()
        return ChatRequest(
            model=self.model,
            messages=tuple([_neutral(message) for message in self.messages]),
            stream=bool(self.stream),
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            stop=(self.stop,) if isinstance(self.stop, str) else self.stop or (),
            seed=self.seed,
            tools=tools,
            tool_choice=neutral_choice(self.tool_choice, tools),
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=None if self.response_format is None else self.response_format.neutral(),
            reasoning_effort=self.reasoning_effort,
            timeout_seconds=self.timeout_seconds,
            venture_id=self.venture_id,
            division_id=self.division_id,
            extra=self.extra,
        )


def _neutral(message: GivenMessage) -> Message:
    return message.neutral() if isinstance(message, GivenAssistantMessage) else message


def neutral_choice(given: str | dict[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice | None:
    """Return a ``tool_choice``, in our words or OpenAI's, in the gateway's own form.

    Raises:
        Invalid: It names a tool that is not among *tools*.
    """
    if given is None:
        return None
    if isinstance(given, dict):
        function = given.get("function")
        name = function.get("name") if isinstance(function, dict) else given.get("name")
    elif given in CHOICES:
        return CHOICES[given]
    else:
        name = given
    if not any(tool.name == name for tool in tools):
        raise Invalid(f"tool_choice names the tool {name!r}, which is not among the tools - at `$.tool_choice`")
    return ToolChoice("named", str(name))
