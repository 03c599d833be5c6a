"""Ollama's chats and generations, with every provider.

    POST /api/chat
    {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello!"}]}

    POST /api/generate
    {"model": "claude-sonnet-4-5", "prompt": "Hello!"}

Both stream unless they are asked not to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct

from hecate.endpoints import Call, Raw, Route, Stream
from hecate.serve_llm.dialects.answering import Asked, streamed, whole
from hecate.serve_llm.dialects.ollama_answer import Kind, Lines as WrittenLines
from hecate.serve_llm.dialects.ollama_errors import failure, refusal
from hecate.serve_llm.dialects.ollama_request import ChatBody, GenerateBody
from hecate.serve_llm.dialects.passing_on import JSON, Passed, Wire
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.dialects.requested_bytes import with_defaults, with_model, with_settings
from hecate.serve_llm.dialects.signs import Signs
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES, LINES, Form
from hecate.serve_llm.dialects.warning_header import WarningHeader
from hecate.serve_llm.dialects.whole_blocks import END_OF_LINE, WholeBlocks
from hecate.serve_llm.event_lines import Lines
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.providers.ollama_answer import Reading
from hecate.serve_llm.providers.ollama_body import OPTIONS
from hecate.serve_llm.providers.provider import Provider

DIALECT = "ollama"
BODIES: Mapping[Kind, type[ChatBody | GenerateBody]] = {"chat": ChatBody, "generate": GenerateBody}
_NOTHING: Mapping[Kind, bytes] = {
    "chat": b'{"model":"","message":{"role":"assistant","content":""},"done":false}\n',
    "generate": b'{"model":"","response":"","done":false}\n',
}
"""What fills silence: a piece without a word."""


def _wire(kind: Kind) -> Wire:
    return Wire(
        dialect=DIALECT,
        reading=Reading,
        cutter=Lines,
        blocks=lambda: WholeBlocks(END_OF_LINE),
        # Arguments of calls are no texts here, so these may stand in them too: who reads the line will see.
        telling=Signs((b'"done"', rb"\s*:\s*true"), (b'"error"', rb"\s*:")),
        form=Form(LINES, _NOTHING[kind], failure),
    )


WIRES: Mapping[Kind, Wire] = {"chat": _wire("chat"), "generate": _wire("generate")}


class Question(Struct, frozen=True):
    """A request of Ollama's, as its reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]
    """A model's name, ``provider/name``, or an alias."""
    stream: bool | None = None
    think: bool | str | None = None

    @property
    def shows_thinking(self) -> bool:
        """Whether the client wants to see what the model thinks; it must say if it does not."""
        return self.think is not False


def _answering(kind: Kind) -> Callable[[Call], Awaitable[Raw | Stream]]:
    async def answer(call: Call) -> Raw | Stream:
        question: Question = call.body
        gateway = call.services.get(Gateway)
        streams = question.stream is not False
        lines = partial(WrittenLines, kind, shows_thinking=question.shows_thinking)
        provider, model = await gateway.target(question.model)
        if provider.dialect != DIALECT:
            given, _ = read_body(BODIES[kind], call.raw_body)
            if given.only_loads:
                return Raw(lines().loaded(model, unloaded=given.unloads), LINES if streams else JSON)
        asked = Asked(
            gateway=gateway,
            model=question.model,
            wire=WIRES[kind],
            passed=partial(_passed, kind, call.raw_body, question.model),
            neutral=partial(_neutral, kind, call.raw_body),
            warnings=WarningHeader(call),
        )
        return streamed(asked, lines) if streams else await whole(asked, lines().whole)

    return answer


def _passed(kind: Kind, body: bytes, asked: str, provider: Provider, model: str) -> Passed:
    body = _with_options(with_model(body, asked, model), provider.upstream.account.options)
    return Passed(path=f"/api/{kind}", body=body)


def _neutral(kind: Kind, body: bytes, provider: Provider) -> ChatRequest:
    given, others = read_body(BODIES[kind], body)
    return given.neutral(provider, others)


def _with_options(body: bytes, configured: Mapping[str, Any]) -> bytes:
    """Return *body* with what the configuration says for every chat, where it says nothing itself."""
    if not configured:
        return body
    beside = {name: value for name, value in configured.items() if name not in OPTIONS and name != "options"}
    inside = {name: value for name, value in configured.items() if name in OPTIONS}
    return with_defaults(with_settings(body, "options", {**configured.get("options", {}), **inside}), beside)


def _route(kind: Kind, summary: str, question: Mapping[str, Any]) -> Route:
    return Route(
        method="POST",
        path=f"/api/{kind}",
        call=_answering(kind),
        summary=summary,
        body=Question,
        media_types=("application/json", LINES),
        errors=(402, 404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={"model": "llama3.2:latest", **question},
        tag="ollama",
        description="Request and answer are those of Ollama's API: line by line, unless `stream` is false.",
    )


ROUTES = (
    _route("chat", "Chat with a model, as Ollama's clients do", {"messages": [{"role": "user", "content": "Hello!"}]}),
    _route("generate", "Have a prompt answered, as Ollama's clients do", {"prompt": "Hello!"}),
)
