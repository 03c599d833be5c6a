"""Streams of every dialect: silence is filled, and what fails after the beginning is told inside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Stream
from hecate.serve_llm.chat_events import USUAL, Patience, held

if TYPE_CHECKING:
    from hecate.serve_llm.pieces import Batches, Piece

BODY_LIMIT_BYTES = 32 * 1024 * 1024
"""How large a request of a dialect may be: what Anthropic takes itself, the most of the three."""
EVENTS = "text/event-stream"
LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Form:
    """How a dialect's streams look, apart from what the model says."""

    media_type: str
    beat: bytes
    """What fills silence: something that the dialect's clients take for nothing."""
    failure: Callable[[HecateError], bytes]
    """Says that the answer has broken off."""


class Writing(Protocol):
    """Turns the pieces of an answer into the events of a dialect."""

    def events(self, batch: list[Piece]) -> bytes:
        """Return what *batch* is, perhaps nothing yet.

        Raises:
            HecateError: The answer has failed.
        """


async def written(batches: Batches, writing: Writing) -> AsyncGenerator[bytes, None]:
    """Give the events of an answer; each item holds all that came together."""
    async with aclosing(batches):
        async for batch in batches:
            if events := writing.events(batch):
                yield events


def stream(source: AsyncGenerator[bytes, None], form: Form, patience: Patience = USUAL) -> Stream:
    """Return *source* as the answer to a request."""
    return Stream(_spoken(source, form, patience), media_type=form.media_type)


async def _spoken(source: AsyncGenerator[bytes, None], form: Form, patience: Patience) -> AsyncGenerator[bytes, None]:
    given = False
    try:
        async with aclosing(source), aclosing(held(source, patience)) as pieces:
            async for piece in pieces:
                given = True
                yield form.beat if piece is None else piece
    except HecateError as exc:
        if not given:
            raise
        yield form.failure(exc)
