"""What is sent to Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import ChatRequest, ResponseFormat, Tool
from hecate.serve_llm.providers.anthropic_models import BUDGET_TOKENS, LEAST_BUDGET_TOKENS, claude
from hecate.serve_llm.providers.anthropic_turns import Block, Turns, marked
from hecate.serve_llm.providers.own_fields import add_own_fields
from hecate.serve_llm.providers.provider import refuse_reserved

RESERVED = frozenset({"model", "messages", "stream"})
"""What ``extra`` must not replace, since the reading of the answer depends on it."""
GROUPS = frozenset({"output_config", "metadata"})


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
    turns = Turns(request, provider)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or limit_tokens,
        "messages": turns.messages,
        "stream": request.stream,
    }
    if turns.system:
        body["system"] = turns.system
    optional = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": request.stop or None,
        "tool_choice": _tool_choice(request),
    }
    body.update((name, value) for name, value in optional.items() if value is not None)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.reasoning_effort is not None:
        body |= _thinking(request.reasoning_effort, request.model, body["max_tokens"])
    if request.response_format is not None:
        body.setdefault("output_config", {})["format"] = _format(request.response_format, provider)
    add_own_fields(body, options, GROUPS)
    refuse_reserved(request.extra, RESERVED)
    add_own_fields(body, request.extra, GROUPS)
    if not body.get("tools") and body.get("tool_choice", {}).get("type") in {"auto", "none"}:
        del body["tool_choice"]  # It says nothing without tools, and is refused.
    return body


def _tool(tool: Tool) -> Block:
    shown: Block = {"name": tool.name, "input_schema": {"type": "object", **tool.input_schema}}
    if tool.description is not None:
        shown["description"] = tool.description
    if tool.strict is not None:
        shown["strict"] = tool.strict
    return marked(shown, tool.cache_control)


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
