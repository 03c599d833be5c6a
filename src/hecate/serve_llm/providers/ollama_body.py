"""What is sent to Ollama's ``/api/chat``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.provider import refuse_reserved

RESERVED = frozenset({"model", "messages", "stream"})
OPTIONS = frozenset(
    {
        "draft_num_predict",
        "f16_kv",
        "frequency_penalty",
        "logits_all",
        "low_vram",
        "main_gpu",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_predict",
        "num_thread",
        "numa",
        "penalize_newline",
        "presence_penalty",
        "repeat_last_n",
        "repeat_penalty",
        "seed",
        "stop",
        "temperature",
        "tfs_z",
        "top_k",
        "top_p",
        "typical_p",
        "use_mlock",
        "use_mmap",
        "vocab_only",
    }
)
"""The fields of ``extra`` that Ollama wants inside ``options``; the others go beside it."""


def request_body(request: ChatRequest, provider: str, defaults: Mapping[str, Any]) -> bytes:
    """Return the JSON to send for *request*; *defaults* are the account's own ``extra``.

    Raises:
        Invalid: The request asks for what Ollama cannot do.
    """
    refuse_reserved(request.extra, RESERVED)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request.messages, provider),
        "stream": request.stream,
    }
    if tools := _tools(request, provider):
        body["tools"] = tools
    if request.response_format is not None:
        body["format"] = _format(request.response_format)
    if request.reasoning_effort is not None:
        body["think"] = _think(request.reasoning_effort)
    options: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "num_predict": request.max_tokens,
        "seed": request.seed,
        "stop": request.stop or None,
    }
    options = {name: value for name, value in options.items() if value is not None}
    for given in (defaults, request.extra):
        for name, value in given.items():
            if name in OPTIONS:
                options[name] = value
            elif name == "options" and isinstance(value, dict):
                options |= value
            else:
                body[name] = value
    if options:
        body["options"] = options
    return msgspec.json.encode(body)


def _messages(messages: Sequence[Message], provider: str) -> list[dict[str, Any]]:
    # A result names the tool beside the call's id, since older servers know no ids.
    tool_names = {
        call.id: call.name
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    }
    return [_message(message, provider, tool_names) for message in messages]


def _message(message: Message, provider: str, tool_names: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "system", "content": message.text}
    images = [_image(part, provider) for part in message.parts if not isinstance(part, TextPart)]
    if images:
        said["images"] = images
    match message:
        case UserMessage():
            said["role"] = "user"
        case AssistantMessage():
            said["role"] = "assistant"
            if message.reasoning:
                said["thinking"] = message.reasoning
            if message.tool_calls:
                said["tool_calls"] = [
                    {"id": call.id, "function": {"name": call.name, "arguments": call.arguments}}
                    for call in message.tool_calls
                ]
        case ToolMessage():
            said["role"] = "tool"
            said["tool_call_id"] = message.tool_call_id
            if name := tool_names.get(message.tool_call_id):
                said["tool_name"] = name
            if message.is_error and not message.text.lower().startswith("error"):
                # There is no field for it, so the model must be told in words.
                said["content"] = f"Error: {message.text}"
        case SystemMessage() | _:
            pass  # Ollama knows a developer as the system.
    return said


def _image(part: ImagePart | FilePart, provider: str) -> str:
    if isinstance(part, FilePart):
        raise Invalid(f"{provider} takes no files, only images")
    if part.url.startswith("data:"):
        return part.url.partition(",")[2]
    if part.url:
        raise Invalid(f"{provider} fetches no images; send the image as base64 `data` instead of {part.url!r}")
    return part.data


def _tools(request: ChatRequest, provider: str) -> list[dict[str, Any]]:
    choice = request.tool_choice
    if not request.tools or (choice is not None and choice.mode == "none"):
        return []
    if choice is not None and choice.mode != "auto":
        raise Invalid(f"{provider} cannot make a model call a tool; `tool_choice` can be `auto` or `none`")
    if request.parallel_tool_calls is False:
        raise Invalid(f"{provider} cannot keep a model from calling several tools at once")
    return [_tool(tool) for tool in request.tools]


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema}
    return {"type": "function", "function": function}


def _format(wanted: ResponseFormat) -> str | dict[str, Any]:
    return "json" if wanted.type == "json_object" or wanted.schema is None else wanted.schema


def _think(effort: str) -> bool | str:
    """Return Ollama's word for *effort*: it knows three levels, and whether to think at all."""
    levels: dict[str, bool | str] = {"none": False, "minimal": "low", "xhigh": "high", "max": "high"}
    return levels.get(effort, effort)
