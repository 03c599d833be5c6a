"""Streams of every dialect: silence is filled, and what fails after the beginning is told inside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Stream
from hecate.serve_llm.patient_stream import USUAL, Patience, PatientStream

if TYPE_CHECKING:
    from hecate.serve_llm.dialects.remembered import Watch
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


async def written(batches: Batches, watch: Watch, writing: Writing, form: Form) -> AsyncGenerator[bytes, None]:
    """Give the events of an answer; each item holds all that came together.

    Args:
        batches: The answer.
        watch: Sees it pass.
        writing: Turns it into events.
        form: Says what fails once something was given.

    Raises:
        HecateError: It has failed before.
    """
    given = False
    try:
        async for batch in batches:
            watch.look(batch)
            if events := writing.events(batch):
                given = True
                yield events
    except HecateError as exc:
        if not given:
            raise
        yield form.failure(exc)
    finally:
        await batches.aclose()


def stream(source: AsyncGenerator[bytes, None], form: Form, patience: Patience = USUAL) -> Stream:
    """Return *source* as the answer to a request."""
    return Stream(PatientStream(source, form.beat, form.failure, patience), media_type=form.media_type)
