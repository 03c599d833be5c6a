"""Requests of Ollama's API for an answer of a model, and the way from them to the neutral form."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.chat_body import GivenTool
from hecate.serve_llm.dialects.ollama_messages import GivenMessage, image, neutral_messages
from hecate.serve_llm.dialects.own_settings import own_settings
from hecate.serve_llm.messages import (
    ChatRequest,
    Message,
    Part,
    ResponseFormat,
    SystemMessage,
    TextPart,
    UserMessage,
)
from hecate.serve_llm.providers.provider import Provider

OF_THE_MACHINE = frozenset(
    {
        "draft_num_predict",
        "embedding_only",
        "f16_kv",
        "keep_alive",
        "logits_all",
        "low_vram",
        "main_gpu",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_thread",
        "numa",
        "penalize_newline",
        "repeat_last_n",
        "shift",
        "truncate",
        "use_mlock",
        "use_mmap",
        "vocab_only",
    }
)
"""What says how Ollama shall run a model, or says nothing alone: no other provider need know."""


class Options(Struct, frozen=True):
    """The options that the neutral form knows too."""

    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    num_predict: int | None = None
    """-1 and -2 are without a limit."""
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None


class GivenRequest(Struct, frozen=True, kw_only=True):
    """What a chat and a generation have in common."""

    model: str
    stream: bool | None = None
    options: dict[str, Any] | None = None
    format: str | dict[str, Any] | None = None
    think: bool | str | None = None
    keep_alive: float | str | None = None

    @property
    def unloads(self) -> bool:
        """Whether the model shall be forgotten."""
        return self.keep_alive in {0, "0", "0s"}


class ChatBody(GivenRequest, frozen=True, kw_only=True):
    """A request for the next message of a conversation."""

    messages: tuple[GivenMessage, ...] = ()
    tools: tuple[GivenTool, ...] | None = None

    @property
    def only_loads(self) -> bool:
        """Whether nothing is to be said: Ollama loads the model then, or unloads it."""
        return not self.messages

    def neutral(self, provider: Provider, others: dict[str, Any]) -> ChatRequest:
        """Return the request in the gateway's own form; *others* are the fields that are not listed here.

        Raises:
            Invalid: It asks for what only Ollama can do.
        """
        tools = tuple(tool.neutral() for tool in self.tools or ())
        return _request(self, tuple(neutral_messages(self.messages)), provider, others, tools=tools)


class GenerateBody(GivenRequest, frozen=True, kw_only=True):
    """A request for an answer to a prompt."""

    prompt: str = ""
    system: str | None = None
    images: tuple[str, ...] = field(default=())

    @property
    def only_loads(self) -> bool:
        """Whether nothing is to be said: Ollama loads the model then, or unloads it."""
        return not self.prompt and not self.images

    def neutral(self, provider: Provider, others: dict[str, Any]) -> ChatRequest:
        """Return the request in the gateway's own form; *others* are the fields that are not listed here.

        Raises:
            Invalid: It asks for what only Ollama can do.
        """
        text: tuple[Part, ...] = (TextPart(self.prompt),) if self.prompt else ()
        instructions: tuple[Message, ...] = (SystemMessage(self.system),) if self.system else ()
        asked = UserMessage((*text, *(image(data) for data in self.images)) if self.images else self.prompt)
        return _request(self, (*instructions, asked), provider, others)


def _request(
    given: GivenRequest, messages: tuple[Message, ...], provider: Provider, others: dict[str, Any], **more: Any
) -> ChatRequest:
    options, further = _options(given.options or {})
    # What is empty or false asks for nothing.
    asked = {name: value for name, value in {**further, **others}.items() if value or name in further}
    limit = options.num_predict or 0
    return ChatRequest(
        model=given.model,
        messages=messages,
        stream=given.stream is not False,
        temperature=options.temperature,
        top_p=options.top_p,
        max_tokens=limit if limit > 0 else None,
        stop=(options.stop,) if isinstance(options.stop, str) else options.stop or (),
        seed=options.seed,
        response_format=_format(given.format),
        reasoning_effort=("medium" if given.think is True else given.think) or None,
        extra=own_settings({name: value for name, value in asked.items() if name not in OF_THE_MACHINE}, provider),
        **more,
    )


def _options(given: dict[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Return *given* as far as the neutral form knows it, and the rest.

    Raises:
        Invalid: A value is of a wrong kind.
    """
    known = {name: value for name, value in given.items() if name in Options.__struct_fields__}
    try:
        read = msgspec.convert(known, Options)
    except msgspec.ValidationError as exc:
        raise Invalid(f"the body is wrong: {exc} in `$.options`") from exc
    return read, {name: value for name, value in given.items() if name not in known}


def _format(given: str | dict[str, Any] | None) -> ResponseFormat | None:
    if isinstance(given, dict):
        return ResponseFormat("json_schema", given)
    if not given:
        return None
    if given != "json":
        raise Invalid(f"format is `json` or a JSON schema, not {given!r} - at `$.format`")
    return ResponseFormat("json_object")
