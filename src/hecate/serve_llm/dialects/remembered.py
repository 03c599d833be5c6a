"""What providers want back with the calls of tools that their models made, for clients that forget it.

Anthropic refuses the result of a call without the thinking that led to it, and Gemini without its
signature; yet clients of OpenAI's API send calls back by id, name and arguments alone.  So what belongs
to a call is remembered by the call's id, which is a secret of the conversation, for as long as there is
room: conversations go on within minutes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec
from msgspec.structs import replace

from hecate.serve_llm.messages import AssistantMessage, Message, Signature
from hecate.serve_llm.pieces import ChatAnswer, Finish, Piece, SignaturePiece, ToolCallPiece

if TYPE_CHECKING:
    from hecate.serve_llm.gateway import Gateway

LIMIT_BYTES = 16 * 1024 * 1024


class RememberedSignatures:
    """Signatures by the first call of their message; the oldest are forgotten first.

    Args:
        limit_bytes: How much may be remembered.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._by_call: OrderedDict[str, tuple[tuple[Signature, ...], int]] = OrderedDict()

    def keep(self, call_id: str, signatures: Sequence[Signature]) -> None:
        """Remember *signatures* of the message whose first call has *call_id*."""
        self._forget(call_id)
        size = len(msgspec.json.encode(signatures))
        self._by_call[call_id] = (tuple(signatures), size)
        self._held_bytes += size
        while self._held_bytes > self._limit_bytes:
            self._forget(next(iter(self._by_call)))

    def restored(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Return *messages* with the signatures that their client has left out."""
        return tuple(self._restored(message) for message in messages) if self._by_call else messages

    def remember(self, answer: ChatAnswer) -> None:
        """Remember what *answer* holds."""
        if answer.tool_calls and answer.signatures:
            self.keep(answer.tool_calls[0].id, answer.signatures)

    def _restored(self, message: Message) -> Message:
        if not isinstance(message, AssistantMessage) or message.signatures or not message.tool_calls:
            return message
        call_id = message.tool_calls[0].id
        found = self._by_call.get(call_id)
        if found is None:
            return message
        self._by_call.move_to_end(call_id)
        return replace(message, signatures=found[0])

    def _forget(self, call_id: str) -> None:
        _, size = self._by_call.pop(call_id, ((), 0))
        self._held_bytes -= size


class Watch:
    """Sees an answer pass, and has *remembered* keep what it holds."""

    __slots__ = ("_first_call", "_remembered", "_signatures")

    def __init__(self, remembered: RememberedSignatures) -> None:
        self._remembered = remembered
        self._signatures: list[Signature] = []
        self._first_call = ""

    def look(self, batch: Sequence[Piece]) -> None:
        """Look at more of the answer."""
        for piece in batch:
            if isinstance(piece, SignaturePiece):
                self._signatures.append(piece.signature)
            elif isinstance(piece, ToolCallPiece):
                self._first_call = self._first_call or piece.call.id
            elif isinstance(piece, Finish) and self._first_call and self._signatures:
                self._remembered.keep(self._first_call, self._signatures)


_of_gateways: WeakKeyDictionary[Gateway, RememberedSignatures] = WeakKeyDictionary()
"""Beside the gateways, which need no such memory for clients of the daemon's own API."""


def remembered(gateway: Gateway) -> RememberedSignatures:
    """Return what is remembered for the clients of *gateway*."""
    found = _of_gateways.get(gateway)
    if found is None:
        found = _of_gateways[gateway] = RememberedSignatures()
    return found
