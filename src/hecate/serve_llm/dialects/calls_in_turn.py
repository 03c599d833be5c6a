"""Puts parallel calls one after another, for a dialect whose streams know one at a time.

Models write their calls one by one, so that this hardly ever holds anything back; yet a server may
mix the pieces of several.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from hecate.serve_llm.pieces import ToolCallDelta, ToolCallPiece


class CallPart(NamedTuple):
    """What to write next of a call."""

    begins: bool
    """Whether it is the first part of its call, and so has the id and the name."""
    id: str
    name: str
    text: str
    """More of the arguments' JSON."""


class CallsInTurn:
    """Takes the pieces of calls as they come, and gives the parts in turn."""

    __slots__ = ("_done", "_open", "_texts", "_waiting")

    def __init__(self) -> None:
        self._open: int | None = None
        """The call that is being written."""
        self._texts: list[str] = []
        """Its arguments so far."""
        self._done: set[int] = set()
        self._waiting: dict[int, list[ToolCallDelta]] = {}

    @property
    def any(self) -> bool:
        """Whether there has been a call."""
        return bool(self._done) or self._open is not None

    def delta(self, delta: ToolCallDelta) -> CallPart | None:
        """Return what can be written now that *delta* has come."""
        index = delta.index
        if index == self._open:
            self._texts.append(delta.arguments)
            return CallPart(begins=False, id="", name="", text=delta.arguments)
        if index in self._done:
            return None
        held = self._waiting.setdefault(index, [])
        held.append(delta)
        if self._open is not None and not self._is_complete():
            return None
        if self._open is not None:
            self._done.add(self._open)
        del self._waiting[index]
        self._open = index
        self._texts = [part.arguments for part in held]
        return CallPart(begins=True, id=held[0].id, name=held[0].name, text="".join(self._texts))

    def finished(self, piece: ToolCallPiece, arguments: str) -> CallPart | None:
        """Return what is still to be written of a call that is finished, whose whole *arguments* are given."""
        if piece.index in self._done:
            return None
        self._done.add(piece.index)
        self._waiting.pop(piece.index, None)
        was_open = piece.index == self._open
        if self._open is not None:
            # Calls are finished when all their deltas have come, so whichever was open is written.
            self._done.add(self._open)
            self._open = None
        if was_open:
            return None
        return CallPart(begins=True, id=piece.call.id, name=piece.call.name, text=arguments)

    def _is_complete(self) -> bool:
        try:
            msgspec.json.decode("".join(self._texts))
        except msgspec.DecodeError:
            return False
        return True
