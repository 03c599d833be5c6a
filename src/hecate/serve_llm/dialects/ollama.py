"""Ollama's chats and generations, with every provider.

    POST /api/chat
    {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello!"}]}

    POST /api/generate
    {"model": "claude-sonnet-4-5", "prompt": "Hello!"}

Both stream unless they are asked not to.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hecate.endpoints import Call, Raw, Route, Stream
from hecate.serve_llm.dialects.ollama_answer import Kind, Lines as WrittenLines
from hecate.serve_llm.dialects.ollama_errors import failure, refusal
from hecate.serve_llm.dialects.ollama_request import ChatBody, GenerateBody
from hecate.serve_llm.dialects.passing_on import Passed, Wire, pass_on, pass_on_stream
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.dialects.requested_bytes import with_defaults, with_model, with_settings
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES, LINES, Form, stream, written
from hecate.serve_llm.dialects.whole_blocks import END_OF_LINE, WholeBlocks
from hecate.serve_llm.event_lines import Lines
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.pieces import whole_answer
from hecate.serve_llm.providers.ollama_answer import Reading
from hecate.serve_llm.providers.ollama_body import OPTIONS

DIALECT = "ollama"
BODIES: Mapping[Kind, type[ChatBody | GenerateBody]] = {"chat": ChatBody, "generate": GenerateBody}
_NOTHING: Mapping[Kind, bytes] = {
    "chat": b'{"model":"","message":{"role":"assistant","content":""},"done":false}\n',
    "generate": b'{"model":"","response":"","done":false}\n',
}
"""What fills silence: a piece without a word."""


def _wire(kind: Kind) -> Wire:
    return Wire(
        reading=Reading,
        cutter=Lines,
        blocks=lambda: WholeBlocks(END_OF_LINE),
        # Arguments of calls are no texts here, so these may stand in them too: who reads the line will see.
        telling=re.compile(rb'"done"\s*:\s*true|"error"\s*:'),
        form=Form(LINES, _NOTHING[kind], failure),
    )


WIRES: Mapping[Kind, Wire] = {"chat": _wire("chat"), "generate": _wire("generate")}


class Question(Struct, frozen=True):
    """A request of Ollama's, as its reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]
    """A model's name, ``provider/name``, or an alias."""
    stream: bool | None = None


def _answering(kind: Kind) -> Callable[[Call], Awaitable[Raw | Stream]]:
    wire = WIRES[kind]

    async def answer(call: Call) -> Raw | Stream:
        asked: Question = call.body
        gateway = call.services.get(Gateway)
        provider, model = await gateway.target(asked.model)
        streams = asked.stream is not False
        if provider.dialect == DIALECT:
            body = with_model(call.raw_body, asked.model, model)
            passed = Passed(
                provider=provider,
                model=model,
                path=f"/api/{kind}",
                body=_with_options(body, provider.upstream.account.options),
            )
            if streams:
                return pass_on_stream(gateway, wire, passed, WrittenLines(kind, shows_thinking=True))
            return await pass_on(gateway, wire, passed)
        given, others = read_body(BODIES[kind], call.raw_body)
        lines = WrittenLines(kind, shows_thinking=given.shows_thinking)
        if given.only_loads:
            return Raw(lines.loaded(model, unloaded=given.unloads), LINES if streams else "application/json")
        request = given.neutral(provider, others)
        if streams:
            return stream(written(gateway.chat(request), lines), wire.form)
        return Raw(lines.whole(await whole_answer(gateway.chat(request))))

    return answer


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
        errors=(404, 429, 502, 504),
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
