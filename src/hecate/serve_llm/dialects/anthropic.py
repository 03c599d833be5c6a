"""Anthropic's messages, with every provider.

POST /v1/messages
{"model": "llama3.2:latest", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello!"}]}

POST /v1/messages/count_tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from hecate.endpoints import Call, Raw, Route, Stream
from hecate.serve_llm.dialects.answering import Asked, passed_question, streamed, whole
from hecate.serve_llm.dialects.anthropic_answer import MessageEvents, message
from hecate.serve_llm.dialects.anthropic_errors import failure, refusal
from hecate.serve_llm.dialects.anthropic_request import neutral_request
from hecate.serve_llm.dialects.kept_marks import without_marks
from hecate.serve_llm.dialects.passing_on import Passed, Wire
from hecate.serve_llm.dialects.requested_bytes import with_defaults, with_model
from hecate.serve_llm.dialects.signs import Signs
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES, EVENTS, Form
from hecate.serve_llm.dialects.warning_header import WarningHeader
from hecate.serve_llm.dialects.whole_blocks import END_OF_EVENT, WholeBlocks
from hecate.serve_llm.event_lines import ServerSentEvents
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.pieces import NO_USAGE, Usage
from hecate.serve_llm.providers.anthropic import COUNT_TOKENS, MESSAGES
from hecate.serve_llm.providers.anthropic_answer import Reading
from hecate.serve_llm.providers.provider import Account, Provider

DIALECT = "anthropic"
BETA = "anthropic-beta"
"""The header in which a client names the features of Anthropic's that it wants to try."""
FORM = Form(EVENTS, b'event: ping\ndata: {"type": "ping"}\n\n', failure)
WIRE = Wire(
    dialect=DIALECT,
    reading=Reading,
    cutter=ServerSentEvents,
    blocks=lambda: WholeBlocks(END_OF_EVENT),
    telling=Signs((b'"usage"', rb"\s*:\s*\{"), (b'"message_stop"', b""), (b'"error"', b"")),
    form=FORM,
)


class MessageQuestion(Struct, frozen=True):
    """A request for a message, as Anthropic's reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]
    """A model's name, ``provider/name``, or an alias."""
    stream: bool | None = None
    thinking: dict[str, Any] | None = None

    @property
    def shows_thinking(self) -> bool:
        """Whether the client wants to see what the model thinks."""
        return self.thinking is not None and self.thinking.get("type") != "disabled"


async def create_message(call: Call) -> Raw | Stream:
    """Answer a chat as Anthropic would, whole or as it is written."""
    question: MessageQuestion = call.body
    streams = bool(question.stream)
    asked = Asked(
        gateway=call.services.get(Gateway),
        model=question.model,
        wire=WIRE,
        passed=partial(_passed, call, question),
        neutral=partial(neutral_request, call.raw_body, streamed=streams),
        warnings=WarningHeader(call),
    )
    id_ = f"msg_{call.request_id}"
    if streams:
        return streamed(asked, partial(MessageEvents, id_, shows_thinking=question.shows_thinking))
    return await whole(asked, partial(message, id_=id_, shows_thinking=question.shows_thinking))


async def count_tokens(call: Call) -> Raw:
    """Tell how many tokens of input a message would be, where the provider says so beforehand."""
    question: MessageQuestion = call.body
    gateway = call.services.get(Gateway)
    passed = partial(_counted, call, question)
    answer = await passed_question(gateway, question.model, DIALECT, passed, _free, operation="count_tokens")
    if answer is not None:
        return answer
    provider, _ = await gateway.target(question.model)
    request = neutral_request(call.raw_body, provider, streamed=False)
    return Raw(msgspec.json.encode({"input_tokens": await gateway.count_tokens(request)}))


def _passed(call: Call, question: MessageQuestion, provider: Provider, model: str) -> Passed:
    account = provider.upstream.account
    options = {name: value for name, value in account.options.items() if name != "betas"}
    body = with_defaults(with_model(without_marks(call.raw_body), question.model, model), options)
    return Passed(path=MESSAGES, body=body, headers=_headers(call.headers, account))


def _counted(call: Call, question: MessageQuestion, provider: Provider, model: str) -> Passed:
    body = with_model(without_marks(call.raw_body), question.model, model)
    return Passed(path=COUNT_TOKENS, body=body, headers=_headers(call.headers, provider.upstream.account))


def _headers(given: Mapping[str, str], account: Account) -> Mapping[str, str] | None:
    """Return the headers that a client's request needs at Anthropic: the features that it wants to try."""
    if BETA not in given:
        return None
    configured = {name.lower(): value for name, value in account.headers.items()}.get(BETA)
    return {BETA: f"{configured},{given[BETA]}" if configured else given[BETA]}


def _free(_: bytes) -> Usage:
    """Return what counting costs."""
    return NO_USAGE


ROUTES = (
    Route(
        method="POST",
        path="/v1/messages",
        call=create_message,
        summary="Chat with a model, as Anthropic's clients do",
        body=MessageQuestion,
        media_types=("application/json", EVENTS),
        errors=(402, 404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={
            "model": "llama3.2:latest",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Hello!"}],
        },
        tag="anthropic",
        description="Request and answer are those of Anthropic's messages.",
    ),
    Route(
        method="POST",
        path="/v1/messages/count_tokens",
        call=count_tokens,
        summary="Count the tokens of a message, as Anthropic's clients do",
        body=MessageQuestion,
        errors=(404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello!"}]},
        tag="anthropic",
        description="Request and answer are those of Anthropic's API.  Not every provider can tell beforehand.",
    ),
)
