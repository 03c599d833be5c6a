"""What is sent to Anthropic's Messages API."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    CacheControl,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Part,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.anthropic_models import BUDGET_TOKENS, LEAST_BUDGET_TOKENS, claude
from hecate.serve_llm.providers.inline_data import inline_data
from hecate.serve_llm.providers.kept import Called, Opaque, Stretch, in_order
from hecate.serve_llm.providers.own_fields import add_own_fields
from hecate.serve_llm.providers.provider import refuse_reserved

RESERVED = frozenset({"model", "messages", "stream"})
"""What ``extra`` must not replace, since the reading of the answer depends on it."""
GROUPS = frozenset({"output_config", "metadata"})
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")

Block = dict[str, Any]


def request_body(request: ChatRequest, provider: str, options: Mapping[str, Any], limit_tokens: int) -> dict[str, Any]:
    """Return the JSON object to send for *request*.

    Args:
        request: What is wanted.
        provider: The account's name.
        options: The account's own ``extra``.
        limit_tokens: The most tokens that the model can give out; Anthropic must be told a number.

    Raises:
        Invalid: The request asks for what Anthropic cannot do.
    """
    if request.seed is not None:
        raise Invalid(f"{provider} takes no `seed`: its models cannot repeat an answer")
    if request.temperature is not None and request.temperature > 1:
        raise Invalid(f"{provider} takes a `temperature` from 0 to 1, not {request.temperature:g}")
    turns = _Turns(provider, takes_system=claude(request.model).takes_system_turns)
    turns.add(request)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or limit_tokens,
        "messages": turns.messages,
        "stream": request.stream,
    }
    if turns.system:
        body["system"] = turns.system
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if (choice := _tool_choice(request)) is not None:
        body["tool_choice"] = choice
    if request.reasoning_effort is not None:
        body |= _thinking(request.reasoning_effort, request.model, body["max_tokens"])
    if request.response_format is not None:
        body.setdefault("output_config", {})["format"] = _format(request.response_format, provider)
    add_own_fields(body, options, GROUPS)
    refuse_reserved(request.extra, RESERVED)
    add_own_fields(body, request.extra, GROUPS)
    if not body.get("tools") and choice is not None and choice["type"] in {"auto", "none"}:
        del body["tool_choice"]  # Says nothing without tools, and is refused.
    return body


class _Turns:
    """A conversation as Anthropic wants it: turns of the user and the assistant, instructions apart."""

    def __init__(self, provider: str, *, takes_system: bool) -> None:
        self._provider = provider
        self._takes_system = takes_system
        self._instructions: list[Block] = []
        """Those that wait for the end of the user's turn, after which alone they may stand."""
        self._results_open = False
        """Whether the last turn consists of results, to which more may be added."""
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []

    def add(self, request: ChatRequest) -> None:
        """Add all messages of *request*."""
        for message in request.messages:
            match message:
                case SystemMessage() | DeveloperMessage():
                    self._instruct(message)
                case UserMessage():
                    self._say(_blocks(message.parts, self._provider), results=False)
                case ToolMessage():
                    self._say([_tool_result(message, self._provider)], results=True)
                case AssistantMessage():
                    self._place_instructions()
                    if blocks := _said(message, self._provider):
                        self.messages.append({"role": "assistant", "content": blocks})
                        self._results_open = False
        self._place_instructions()

    def _instruct(self, message: SystemMessage | DeveloperMessage) -> None:
        if not all(isinstance(part, TextPart) for part in message.parts):
            raise Invalid(f"{self._provider} takes instructions as text only")
        blocks = _blocks(message.parts, self._provider)
        (self._instructions if self.messages and self._takes_system else self.system).extend(blocks)

    def _say(self, blocks: list[Block], *, results: bool) -> None:
        """Add *blocks* of the user's; the results of calls and what follows them are one turn."""
        if self._results_open:
            self.messages[-1]["content"].extend(blocks)
        else:
            self.messages.append({"role": "user", "content": blocks})
        self._results_open = results

    def _place_instructions(self) -> None:
        if not self._instructions:
            return
        if self.messages[-1]["role"] == "user":
            self.messages.append({"role": "system", "content": self._instructions})
            self._results_open = False
        else:
            self.system.extend(self._instructions)
        self._instructions = []


def _said(message: AssistantMessage, provider: str) -> list[Block]:
    blocks: list[Block] = []
    for strand in in_order(message, provider):
        match strand:
            case Opaque():
                blocks.append(strand.block)
            case Called():
                blocks.append({**_tool_use(strand.call), **strand.fields})
            case Stretch():
                if not isinstance(strand.part, TextPart):
                    raise Invalid(f"{provider} takes text only as what the assistant said")
                blocks.extend({**block, **strand.fields} for block in _blocks((strand.part,), provider))
    return blocks


def _tool_use(call: ToolCall) -> Block:
    # What is no JSON object is wrapped into one, the way Anthropic's documentation advises.
    arguments = {"INVALID_JSON": call.malformed_arguments} if call.malformed_arguments else call.arguments
    return {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": arguments}


def _tool_result(message: ToolMessage, provider: str) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": _call_id(message.tool_call_id),
        "content": _blocks(message.parts, provider),
        "is_error": message.is_error,
    }


def _call_id(id_: str) -> str:
    """Return *id_*, perhaps another provider's, as Anthropic takes it."""
    return _NOT_IN_IDS.sub("_", id_)


def _blocks(parts: tuple[Part, ...], provider: str) -> list[Block]:
    return [
        _marked(_block(part, provider), part.cache_control)
        for part in parts
        if not isinstance(part, TextPart) or part.text.strip()  # A blank text is refused.
    ]


def _block(part: Part, provider: str) -> Block:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            inline = inline_data(part)
            if inline is None:
                return {"type": "image", "source": {"type": "url", "url": part.url}}
            return {"type": "image", "source": {"type": "base64", **inline._asdict()}}
        case FilePart():
            document: Block = {"type": "document", "source": _document_source(part, provider)}
            return {**document, "title": part.name} if part.name else document


def _document_source(part: FilePart, provider: str) -> Block:
    inline = inline_data(part)
    if inline is None:
        return {"type": "url", "url": part.url}
    if inline.media_type == "application/pdf":
        return {"type": "base64", **inline._asdict()}
    if inline.media_type.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": b64decode(inline.data).decode("utf-8", "replace")}
    raise Invalid(f"{provider} takes files of PDF and of text, not of {inline.media_type}")


def _marked(block: Block, mark: CacheControl | None) -> Block:
    if mark is not None:
        block["cache_control"] = {"type": mark.type, "ttl": mark.ttl} if mark.ttl else {"type": mark.type}
    return block


def _tool(tool: Tool) -> Block:
    shown: Block = {"name": tool.name, "input_schema": {"type": "object", **tool.input_schema}}
    if tool.description is not None:
        shown["description"] = tool.description
    if tool.strict is not None:
        shown["strict"] = tool.strict
    return _marked(shown, tool.cache_control)


def _tool_choice(request: ChatRequest) -> Block | None:
    choice: Block | None = None
    if request.tool_choice is not None:
        match request.tool_choice.mode:
            case "named":
                choice = {"type": "tool", "name": request.tool_choice.name}
            case "required":
                choice = {"type": "any"}
            case mode:
                choice = {"type": mode}
    if request.parallel_tool_calls is False and (choice is None or choice["type"] != "none"):
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def _thinking(effort: str, model: str, max_tokens: int) -> dict[str, Any]:
    """Return the fields that make *model* reason with *effort*."""
    which = claude(model)
    if effort == "none":
        return {"thinking": {"type": "disabled"}} if which.thinks_unasked else {}
    if which.decides_how_much_to_think:
        level = "low" if effort == "minimal" else effort
        # Without `display` newer models keep to themselves what they think.
        return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": level}}
    wanted = BUDGET_TOKENS.get(effort)
    if wanted is None:
        raise Invalid(f"`reasoning_effort` can be none, {', '.join(BUDGET_TOKENS)}, not {effort!r}")
    budget = max(LEAST_BUDGET_TOKENS, min(wanted, max_tokens // 2))
    if budget >= max_tokens:
        raise Invalid(f"{model} reasons with {LEAST_BUDGET_TOKENS} tokens at least, so `max_tokens` must be more")
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _format(wanted: ResponseFormat, provider: str) -> Block:
    if wanted.type == "json_object" or wanted.schema is None:
        raise Invalid(f"{provider} cannot promise JSON without a schema; ask for `json_schema`")
    return {"type": "json_schema", "schema": _closed(wanted.schema)}


def _closed(schema: Any) -> Any:
    """Return *schema* with every object closed to further properties, which Anthropic wants said."""
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(inner) for name, inner in schema.items()}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
