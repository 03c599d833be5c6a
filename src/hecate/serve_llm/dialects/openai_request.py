"""A request for one of OpenAI's chat completions, and the way from it to the neutral form."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.chat_body import GivenFormat, GivenTool, neutral_choice
from hecate.serve_llm.dialects.openai_messages import GivenMessage, neutral_messages
from hecate.serve_llm.dialects.own_settings import own_settings
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.providers.provider import Provider

HARMLESS = frozenset(
    {
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)
"""What changes nothing about the answer, so that a provider that has no such thing need not know."""
USUAL: dict[str, Any] = {
    "n": 1,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "modalities": ["text"],
    "verbosity": "medium",
    "functions": [],
}
"""What only OpenAI has, with the values that everybody can be asked for."""


class CompletionBody(Struct, frozen=True, kw_only=True):
    """A request for the next message of a conversation, as OpenAI takes it."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[tuple[GivenMessage, ...], Meta(min_length=1)]
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    tools: tuple[GivenTool, ...] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: GivenFormat | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """Of ours: fields for the provider's own request, passed on as they are."""


def neutral_request(body: bytes, provider: Provider, *, streamed: bool) -> ChatRequest:
    """Return the request in the gateway's own form.

    Raises:
        Invalid: It is wrong, or asks for what only OpenAI can do.
    """
    given, others = read_body(CompletionBody, body)
    tools = tuple(tool.neutral() for tool in given.tools or ())
    if isinstance(given.tool_choice, dict) and given.tool_choice.get("type", "function") != "function":
        raise Invalid(f"{provider.name} knows no tool_choice of this type - at `$.tool_choice.type`")
    return ChatRequest(
        model=given.model,
        messages=tuple(neutral_messages(given.messages)),
        stream=streamed,
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_completion_tokens or given.max_tokens,
        stop=(given.stop,) if isinstance(given.stop, str) else given.stop or (),
        seed=given.seed,
        tools=tools,
        tool_choice=neutral_choice(given.tool_choice, tools),
        parallel_tool_calls=given.parallel_tool_calls,
        response_format=None if given.response_format is None else given.response_format.neutral(),
        reasoning_effort=given.reasoning_effort,
        extra=own_settings(_not_usual(others), provider) | given.extra,
    )


def _not_usual(others: dict[str, Any]) -> dict[str, Any]:
    if others.get("functions"):
        raise Invalid("`functions` is from before `tools`, which every provider knows - at `$.functions`")
    others.pop("function_call", None)  # It says nothing without functions.
    return {
        name: value
        for name, value in others.items()
        if name not in HARMLESS and not (name in USUAL and USUAL[name] == value)
    }
