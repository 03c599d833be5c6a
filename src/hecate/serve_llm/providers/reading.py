"""Reads a streamed answer for every adapter: payloads in, batches out, the end seen to."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from hecate.serve_llm.errors import ProviderFailed, ProviderSlow
from hecate.serve_llm.pieces import Batches, Piece

if TYPE_CHECKING:
    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.upstream import Reply

LAST_SECONDS = 5.0
"""How long the usage and the end mark may take once the model has finished."""


class Reading(Protocol):
    """What an adapter knows about reading one answer."""

    @property
    def complete(self) -> bool:
        """Whether the model has said why it stopped, so that at most the usage still follows."""

    @property
    def ended(self) -> bool:
        """Whether the end mark has been read: nothing that follows matters."""

    def take(self, payload: bytes, pieces: list[Piece]) -> None:
        """Add to *pieces* what *payload* brings: an event, a line, or a whole answer.

        Raises:
            ProviderFailed: It is an error, or not understood.
        """

    def finish(self, pieces: list[Piece]) -> None:
        """Add to *pieces* what is only known at the end, and a `Finish`.

        Raises:
            ProviderFailed: The answer has ended before the model did.
        """


async def read_whole(reply: Reply, reading: Reading) -> list[Piece]:
    """Return the pieces of an answer that is not streamed.

    Raises:
        ProviderFailed: The answer breaks off, is an error, or is not understood.
    """
    pieces: list[Piece] = []
    reading.take(await reply.whole(), pieces)
    reading.finish(pieces)
    return pieces


async def read_stream(reply: Reply, cutter: Cutter, reading: Reading) -> Batches:
    """Give the batches of a streamed answer.

    Raises:
        ProviderFailed: The answer breaks off, is an error, or is not understood.
    """
    try:
        async with aclosing(reply.payloads(cutter)) as payloads:
            async for arrived in payloads:
                pieces: list[Piece] = []
                try:
                    for payload in arrived:
                        reading.take(payload, pieces)
                except ProviderFailed:
                    if pieces:
                        yield pieces  # What was said before the failure was said.
                    raise
                if reading.ended:
                    reading.finish(pieces)
                    reply.finished()
                    yield pieces
                    return
                if reading.complete:
                    reply.silent_at_most(LAST_SECONDS)
                if pieces:
                    yield pieces
    except ProviderSlow:
        # A server that forgets its end mark and keeps the connection open has answered nevertheless.
        if not reading.complete:
            raise
    pieces = []
    reading.finish(pieces)
    yield pieces
