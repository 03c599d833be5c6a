"""Asks and reads for every adapter: a request in, batches out, the end seen to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from hecate.serve_llm.deferred import Deferred
from hecate.serve_llm.errors import ProviderFailed, ProviderSlow
from hecate.serve_llm.event_lines import Cutter, ServerSentEvents
from hecate.serve_llm.pieces import Batches, Piece

if TYPE_CHECKING:
    from hecate.serve_llm.reply import Reply
    from hecate.serve_llm.upstream import Upstream

    Send = Callable[[], Awaitable[Reply]]

JSON: Final = "application/json"
LAST_SECONDS: Final = 5.0
"""How long the usage and the end mark may take once the model has finished."""


class Reading(Protocol):
    """What an adapter knows about reading one answer."""

    complete: bool
    """Whether the model has said why it stopped, so that at most the usage still follows."""
    ended: bool
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


def asked(
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
    send = partial(upstream.send, "POST", path, body, streamed=streamed, seconds=seconds, headers=headers)
    return _in_pieces(send, reading, cutter) if streamed else _InOne(send, reading)


class _InOne(Deferred[list[Piece]]):
    """A whole answer, in one batch."""

    __slots__ = ("_reading", "_send")

    def __init__(self, send: Send, reading: Reading) -> None:
        super().__init__()
        self._send: Send | None = send
        self._reading = reading

    async def _begin(self) -> list[Piece]:
        send, self._send = self._send, None
        if send is None:
            raise StopAsyncIteration
        with await send() as reply:
            return await _read_whole(reply, self._reading)


async def _read_whole(reply: Reply, reading: Reading) -> list[Piece]:
    pieces: list[Piece] = []
    reading.take(await reply.whole(), pieces)
    reading.finish(pieces)
    return pieces


async def _in_pieces(send: Send, reading: Reading, cutter: Cutter) -> Batches:
    with await send() as reply:
        # It holds the whole conversation, and the answer may take long.
        del send
        # A server that cannot stream answers a stream's request whole; lines of JSON may be called JSON, too.
        if reply.media_type == JSON and isinstance(cutter, ServerSentEvents):
            yield await _read_whole(reply, reading)
            return
        try:
            while arrived := await reply.payloads(cutter):
                pieces: list[Piece] = []
                try:
                    for payload in arrived:
                        reading.take(payload, pieces)
                except ProviderFailed:
                    if pieces:
                        yield pieces  # What was said before the failure was said.
                    raise
                # What has been read is not kept while the next is waited for.
                del arrived, payload
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
