"""What is sent to a server that speaks OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Message,
    Part,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.provider import refuse_reserved

RESERVED = frozenset({"model", "messages", "stream"})
"""What ``extra`` must not replace, since the reading of the answer depends on it."""
AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a server departs from OpenAI's own ways."""

    max_tokens_field: str = "max_tokens"
    developer_role: bool = False
    """Whether it knows the role ``developer``; if not, that is sent as ``system``."""
    stream_options: bool = True
    """Whether it takes ``stream_options``; one that does not tells the usage anyway."""
    seed_field: str = "seed"
    required_choice: str = "required"
    """Its word for "some tool must be called"."""
    json_schema: bool = True
    """Whether it can hold the model to a schema."""
    reasoning_field: str = ""
    """Where it wants earlier reasoning back; empty: it does not."""
    reasoning_always: bool = False
    """Whether that field must be there even when there was no reasoning."""
    cache_marks: bool = False
    """Whether it takes ``cache_control``; the others cache on their own."""
    document_url: bool = False
    """Whether it takes documents, and by address; OpenAI takes the bytes of files."""
    call_id: Callable[[str], str] = str
    """Makes ids of tool calls, perhaps another provider's, into ids that it takes."""


OPENAI = Manners(max_tokens_field="max_completion_tokens", developer_role=True)
"""OpenAI itself: its newer models refuse ``max_tokens``, which is all that most others know."""


def request_body(request: ChatRequest, provider: str, options: Mapping[str, Any], manners: Manners) -> bytes:
    """Return the JSON to send for *request*; *options* are the account's own ``extra``.

    Raises:
        Invalid: The request asks for what this provider cannot do.
    """
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message, provider, manners) for message in request.messages],
        "stream": request.stream,
    }
    if request.stream and manners.stream_options:
        body["stream_options"] = {"include_usage": True}
    optional = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        manners.max_tokens_field: request.max_tokens,
        manners.seed_field: request.seed,
        "parallel_tool_calls": request.parallel_tool_calls if request.tools else None,
        "reasoning_effort": request.reasoning_effort,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if request.stop:
        body["stop"] = request.stop
    if request.tools:
        body["tools"] = [_tool(tool, manners) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice, manners)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format, provider, manners)
    if options:
        body |= options
    if request.extra:
        refuse_reserved(request.extra, RESERVED)
        body |= request.extra
    return msgspec.json.encode(body)


def _message(message: Message, provider: str, manners: Manners) -> dict[str, Any]:
    match message:
        case UserMessage():
            said = {"role": "user", "content": _content(message, provider, manners)}
            return {**said, "name": message.name} if message.name else said
        case SystemMessage():
            return {"role": "system", "content": _content(message, provider, manners)}
        case DeveloperMessage():
            role = "developer" if manners.developer_role else "system"
            return {"role": role, "content": _content(message, provider, manners)}
        case AssistantMessage():
            return _assistant(message, provider, manners)
        case ToolMessage():
            return _tool_result(message, provider, manners)


def _assistant(message: AssistantMessage, provider: str, manners: Manners) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": _content(message, provider, manners)}
    if message.tool_calls:
        said["content"] = said["content"] or None
        said["tool_calls"] = [_call(call, manners) for call in message.tool_calls]
    if manners.reasoning_field and (message.reasoning or manners.reasoning_always):
        said[manners.reasoning_field] = message.reasoning
    for signature in message.signatures:
        if signature.get("provider") == provider:
            said |= {name: value for name, value in signature.items() if name != "provider"}
    return said


def _call(call: ToolCall, manners: Manners) -> dict[str, Any]:
    arguments = call.malformed_arguments or msgspec.json.encode(call.arguments).decode()
    return {
        "id": manners.call_id(call.id),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _tool_result(message: ToolMessage, provider: str, manners: Manners) -> dict[str, Any]:
    if not all(isinstance(part, TextPart) for part in message.parts):
        raise Invalid(f"{provider} takes text only as the result of a tool; put the rest into a user message")
    content = _content(message, provider, manners)
    if message.is_error and isinstance(content, str):
        # There is no field for it, so the model must be told in words.
        content = content if content.lower().startswith("error") else f"Error: {content}"
    return {"role": "tool", "tool_call_id": manners.call_id(message.tool_call_id), "content": content}


def _content(message: Message, provider: str, manners: Manners) -> str | list[dict[str, Any]]:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return list(_parts(message.content, provider, manners))


def _parts(parts: tuple[Part, ...], provider: str, manners: Manners) -> Iterator[dict[str, Any]]:
    for part in parts:
        shown: dict[str, Any]
        if isinstance(part, TextPart):
            shown = {"type": "text", "text": part.text}
        elif isinstance(part, ImagePart):
            shown = {"type": "image_url", "image_url": {"url": part.as_url}}
        else:
            shown = _file(part, provider, manners)
        if manners.cache_marks and part.cache_control is not None:
            shown["cache_control"] = part.cache_control.fields
        yield shown


def _file(part: FilePart, provider: str, manners: Manners) -> dict[str, Any]:
    if manners.document_url:
        return {"type": "document_url", "document_url": part.as_url}
    if part.url:
        raise Invalid(f"{provider} fetches no files; send the file as base64 `data` instead of {part.url!r}")
    if part.media_type in AUDIO_FORMATS:
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": AUDIO_FORMATS[part.media_type]}}
    return {"type": "file", "file": {"filename": part.name or "file", "file_data": part.as_url}}


def _tool(tool: Tool, manners: Manners) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    shown: dict[str, Any] = {"type": "function", "function": function}
    if manners.cache_marks and tool.cache_control is not None:
        shown["cache_control"] = tool.cache_control.fields
    return shown


def _tool_choice(choice: ToolChoice, manners: Manners) -> str | dict[str, Any]:
    match choice.mode:
        case "named":
            return {"type": "function", "function": {"name": choice.name}}
        case "required":
            return manners.required_choice
        case "auto" | "none":
            return choice.mode


def _response_format(wanted: ResponseFormat, provider: str, manners: Manners) -> dict[str, Any]:
    if wanted.type == "json_object":
        return {"type": "json_object"}
    if not manners.json_schema:
        raise Invalid(f"{provider} cannot hold a model to a JSON schema; ask for json_object and show the schema")
    schema: dict[str, Any] = {"name": wanted.name, "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}
