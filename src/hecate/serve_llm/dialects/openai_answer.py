"""An answer as one of OpenAI's chat completions, whole or as the events of a stream.

Beside OpenAI's own fields there are ``reasoning_content`` and ``images``, as other servers call them, and ours,
``signatures``: opaque, to be sent back with the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import Any

import msgspec

from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.made_images import made_images
from hecate.serve_llm.messages import Signature, ToolCall
from hecate.serve_llm.pieces import (
    Began,
    ChatAnswer,
    Finish,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
    Usage,
)

END = b"data: [DONE]\n\n"

_encode = msgspec.json.Encoder().encode


def completion(answer: ChatAnswer, id_: str) -> bytes:
    """Return *answer* as a chat completion.

    Raises:
        ProviderFailed: The model has ended its answer with an error.
    """
    refuse_failed(answer.finish_reason, answer.provider)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content if answer.content or not answer.tool_calls else None,
        "refusal": None,
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [_call(call) for call in answer.tool_calls]
    message |= _kept(answer.signatures)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    return _encode(
        {
            "id": id_,
            "object": "chat.completion",
            "created": int(time()),
            "model": answer.model,
            "choices": [choice],
            "usage": _usage(answer.usage),
            "system_fingerprint": None,
        }
    )


class CompletionEvents:
    """Writes the chunks of a streamed completion.

    Args:
        id_: The completion's.
        include_usage: Whether the client wants to be told the tokens, in a chunk of their own.
    """

    __slots__ = ("_head", "_id", "_include_usage", "_opened", "_provider", "_signatures", "_tail")

    def __init__(self, id_: str, *, include_usage: bool) -> None:
        self._id = id_
        self._include_usage = include_usage
        self._provider = ""
        self._opened: set[int] = set()
        """The calls that have been begun."""
        self._signatures: list[Signature] = []
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._head = b""

    def events(self, batch: list[Piece]) -> bytes:
        """Return the chunks for *batch*.

        Raises:
            ProviderFailed: The model has ended its answer with an error.
        """
        chunks: list[bytes] = []
        for piece in batch:
            match piece:
                case TextPiece():
                    chunks.append(self._chunk(b'{"content":%b}' % _encode(piece.text)))
                case ReasoningPiece():
                    chunks.append(self._chunk(b'{"reasoning_content":%b}' % _encode(piece.text)))
                case ToolCallDelta():
                    chunks.append(self._delta(piece))
                case ToolCallPiece():
                    if piece.index not in self._opened:
                        call = {"index": piece.index, **_call(piece.call)}
                        chunks.append(self._chunk(_encode({"tool_calls": [call]})))
                case SignaturePiece():
                    self._signatures.append(piece.signature)
                case Began():
                    self._begin(piece)
                    chunks.append(self._chunk(b'{"role":"assistant","content":""}'))
                case Finish():
                    chunks.append(self._end(piece))
        return b"".join(chunks)

    def _begin(self, began: Began) -> None:
        self._provider = began.provider
        head = {"id": self._id, "object": "chat.completion.chunk", "created": int(time()), "model": began.model}
        self._head = b"data: %b," % _encode(head)[:-1]

    def _chunk(self, delta: bytes, reason: bytes = b"null") -> bytes:
        choice = b'"choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]' % (delta, reason)
        return b"%b%b%b" % (self._head, choice, self._tail)

    def _delta(self, delta: ToolCallDelta) -> bytes:
        function: dict[str, Any] = {"arguments": delta.arguments}
        call: dict[str, Any] = {"index": delta.index, "function": function}
        if delta.index not in self._opened:
            self._opened.add(delta.index)
            function["name"] = delta.name
            call |= {"id": delta.id, "type": "function"}
        return self._chunk(_encode({"tool_calls": [call]}))

    def _end(self, finish: Finish) -> bytes:
        refuse_failed(finish.reason, self._provider)
        delta = _encode(_kept(self._signatures))
        chunks = [self._chunk(delta, b'"%b"' % finish.reason.encode())]
        if self._include_usage:
            chunks.append(b'%b"choices":[],"usage":%b}\n\n' % (self._head, _encode(_usage(finish.usage))))
        return b"".join((*chunks, END))


def refuse_failed(reason: str, provider: str) -> None:
    """Refuse an answer that the model itself has given up, for which no dialect has a word.

    Raises:
        ProviderFailed: *reason* is ``error``.
    """
    if reason == "error":
        raise ProviderFailed(f"{provider} broke off: its model could not finish the answer", provider=provider)


def _kept(signatures: Sequence[Signature]) -> dict[str, Any]:
    """Return the fields for *signatures*, and for the images among them, as OpenRouter's clients know these."""
    fields: dict[str, Any] = {"signatures": signatures} if signatures else {}
    if images := made_images(signatures):
        fields["images"] = [
            {"type": "image_url", "index": index, "image_url": {"url": image.as_url}}
            for index, image in enumerate(images)
        ]
    return fields


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = call.malformed_arguments or _encode(call.arguments).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
