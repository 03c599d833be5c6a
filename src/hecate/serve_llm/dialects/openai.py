"""OpenAI's chat completions, with every provider.

POST /v1/chat/completions
{"model": "llama3.2:latest", "messages": [{"role": "user", "content": "Hello!"}]}
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from hecate.endpoints import Call, Raw, Route, Stream
from hecate.serve_llm.dialects.answering import Asked, streamed, whole
from hecate.serve_llm.dialects.openai_answer import CompletionEvents, completion
from hecate.serve_llm.dialects.openai_errors import failure, refusal
from hecate.serve_llm.dialects.openai_request import neutral_request
from hecate.serve_llm.dialects.passing_on import Passed, Wire
from hecate.serve_llm.dialects.requested_bytes import with_defaults, with_field, with_model
from hecate.serve_llm.dialects.signs import Signs
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES, EVENTS, Form
from hecate.serve_llm.dialects.warning_header import WarningHeader
from hecate.serve_llm.dialects.whole_blocks import END_OF_EVENT, WholeBlocks
from hecate.serve_llm.event_lines import ServerSentEvents
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers.openai import OpenAi
from hecate.serve_llm.providers.openai_answer import Reading
from hecate.serve_llm.providers.openai_shapes import Completion
from hecate.serve_llm.providers.provider import Provider

DIALECT = "openai"
COMPLETIONS = "/chat/completions"
FORM = Form(EVENTS, b": no answer yet\n\n", failure)
WIRE = Wire(
    dialect=DIALECT,
    reading=Reading,
    cutter=ServerSentEvents,
    blocks=lambda: WholeBlocks(END_OF_EVENT),
    # A quote inside a text is escaped, so none of this can be what the model says.
    telling=Signs(
        (b'"usage"', rb"\s*:\s*\{"), (b'"error"', rb'\s*:\s*[{"]'), (b'"finish_reason"', rb'\s*:\s*"'), (b"[DONE]", b"")
    ),
    form=FORM,
)
_EVENT_ENDS = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
_decode = msgspec.json.Decoder(Completion).decode


class CompletionQuestion(Struct, frozen=True):
    """A request for a chat completion, as OpenAI's reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]
    """A model's name, ``provider/name``, or an alias."""
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the client asks for a last chunk with the tokens."""
        return bool((self.stream_options or {}).get("include_usage"))


async def complete_chat(call: Call) -> Raw | Stream:
    """Answer a chat as OpenAI would, whole or as it is written."""
    question: CompletionQuestion = call.body
    streams = bool(question.stream)
    asked = Asked(
        gateway=call.services.get(Gateway),
        model=question.model,
        wire=WIRE,
        passed=partial(_passed, call.raw_body, question),
        neutral=partial(neutral_request, call.raw_body, streamed=streams),
        warnings=WarningHeader(call),
    )
    id_ = f"chatcmpl-{call.request_id}"
    if streams:
        return streamed(asked, partial(CompletionEvents, id_, include_usage=question.wants_usage))
    return await whole(asked, partial(completion, id_=id_))


def _passed(body: bytes, question: CompletionQuestion, provider: Provider, model: str) -> Passed:
    body = with_defaults(with_model(body, question.model, model), provider.upstream.account.options)
    tells_usage = not question.stream or question.wants_usage
    if tells_usage or not isinstance(provider, OpenAi) or not provider.manners.stream_options:
        return Passed(path=COMPLETIONS, body=body)
    # The tokens of every call are counted, so we ask for what the client has not, and keep it to ourselves.
    options = {**(question.stream_options or {}), "include_usage": True}
    return Passed(path=COMPLETIONS, body=with_field(body, "stream_options", options), withhold=without_usage)


def without_usage(events: bytes) -> bytes:
    """Return *events* without the chunk that holds nothing but the usage."""
    return b"".join(event for event in _EVENT_ENDS.split(events) if not _is_usage(event))


def _is_usage(event: bytes) -> bool:
    if b'"usage"' not in event:
        return False
    for payload in ServerSentEvents().feed(event):
        chunk = _decode(payload)
        if chunk.usage is not None and not chunk.choices:
            return True
    return False


ROUTES = (
    Route(
        method="POST",
        path="/v1/chat/completions",
        call=complete_chat,
        summary="Chat with a model, as OpenAI's clients do",
        body=CompletionQuestion,
        media_types=("application/json", EVENTS),
        errors=(402, 404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={"model": "llama3.2:latest", "messages": [{"role": "user", "content": "Hello!"}]},
        tag="openai",
        description="Request and answer are those of OpenAI's chat completions.",
    ),
)
