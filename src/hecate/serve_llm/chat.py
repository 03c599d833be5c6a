"""A chat with a model, whichever provider it is at.

    POST /api/llm/chat
    {"model": "llama3.2:latest", "messages": [{"role": "user", "content": "Hello!"}], "stream": false}

With ``"stream": true`` the answer comes as server-sent events while the model writes it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from hecate.endpoints import CHAT_BODY_LIMIT_BYTES, Call, Raw, Route, Stream
from hecate.serve_llm.chat_body import ChatBody
from hecate.serve_llm.chat_events import chat_events, ollama_like
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.made_images import MadeImage, made_images
from hecate.serve_llm.messages import Signature, ToolCall
from hecate.serve_llm.pieces import FinishReason, Usage


class AnswerMessage(Struct, frozen=True, omit_defaults=True):
    """The answer as a message to put into the conversation."""

    role: str
    content: str
    tool_calls: list[dict[str, Any]] = []


class OlderAnswer(Struct, frozen=True, kw_only=True):
    """The answer once more, as clients of the original daemon look for it."""

    content: str
    model: str
    message: AnswerMessage
    done: bool
    stop_reason: FinishReason
    eval_count: int
    prompt_eval_count: int


class ChatReply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole answer."""

    ok: bool
    content: str
    model: str
    provider: str
    finish_reason: FinishReason
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    images: tuple[MadeImage, ...] = ()
    """What the model has made; they are in the signatures, too, as the provider wants them back."""
    signatures: tuple[Signature, ...] = ()
    """Opaque: send them back with this message."""
    cost_usd: float | None = None
    stop_sequence: str = ""
    response: OlderAnswer
    warnings: list[str] = []


_encode = msgspec.json.Encoder().encode


async def chat(call: Call) -> Raw | Stream:
    """Answer a chat, whole or as it is written."""
    body: ChatBody = call.body
    gateway = call.services.get(Gateway)
    request = body.neutral()
    if request.stream:
        return Stream(chat_events(gateway.chat(request, call.warnings), call.warnings))
    answer = await gateway.whole(request, call.warnings)
    calls = [ollama_like(made) for made in answer.tool_calls] if answer.tool_calls else []
    message = AnswerMessage("assistant", answer.content, calls)
    reply = ChatReply(
        ok=True,
        content=answer.content,
        model=answer.model,
        provider=answer.provider,
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        tool_calls=answer.tool_calls,
        reasoning=answer.reasoning,
        images=made_images(answer.signatures),
        signatures=answer.signatures,
        cost_usd=answer.cost_usd,
        stop_sequence=answer.stop_sequence,
        response=OlderAnswer(
            content=answer.content,
            model=answer.model,
            message=message,
            done=True,
            stop_reason=answer.finish_reason,
            eval_count=answer.usage.completion_tokens,
            prompt_eval_count=answer.usage.prompt_tokens,
        ),
        warnings=call.warnings,
    )
    return Raw(_encode(reply))


ROUTES = (
    Route(
        method="POST",
        path="/api/llm/chat",
        call=chat,
        summary="Chat with a model",
        body=ChatBody,
        answer=ChatReply,
        media_types=("application/json", "text/event-stream"),
        errors=(400, 402, 404, 413, 429, 502, 503, 504),
        body_limit_bytes=CHAT_BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={
            "model": "llama3.2:latest",
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "Hello!"},
            ],
            "stream": False,
        },
        tag="llm",
    ),
)
