"""Asks and reads for every adapter: a request in, batches out, the end seen to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from hecate.serve_llm.errors import ProviderFailed, ProviderSlow
from hecate.serve_llm.event_lines import Cutter, ServerSentEvents
from hecate.serve_llm.pieces import Batches, Piece

if TYPE_CHECKING:
    from hecate.serve_llm.upstream import Upstream

JSON: Final = "application/json"
LAST_SECONDS: Final = 5.0
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


async def asked(
    upstream: Upstream,
    path: str,
    body: bytes,
    *,
    streamed: bool,
    seconds: float | None,
    reading: Reading,
    cutter: Cutter,
    headers: Mapping[str, str] | None = None,
) -> Batches:
    """Send a chat, and give the batches of its answer.

    Args:
        upstream: Where to send it.
        path: What follows the base URL.
        body: The request.
        streamed: Whether the answer is to come piece by piece.
        seconds: The longest that the call may take; None: as configured.
        reading: Reads the answer.
        cutter: Cuts a streamed answer into what *reading* takes.
        headers: Further headers for this request.

    Raises:
        ModelNotFound, ProviderFailed: As for `Upstream.send`; or the answer breaks off, is an error, or is
            not understood.
    """
    with await upstream.send("POST", path, body, streamed=streamed, seconds=seconds, headers=headers) as reply:
        # It may be large, and the answer may take long.
        del body
        # A server that cannot stream answers a stream's request whole; lines of JSON may be called JSON, too.
        if not streamed or (reply.media_type == JSON and isinstance(cutter, ServerSentEvents)):
            pieces: list[Piece] = []
            reading.take(await reply.whole(), pieces)
            reading.finish(pieces)
            yield pieces
            return
        try:
            while arrived := await reply.payloads(cutter):
                pieces = []
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
