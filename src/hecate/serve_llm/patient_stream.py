"""A stream whose caller is kept waiting politely: until its first piece is there, silence is filled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.deferred import Deferred


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client of a stream can wait."""

    hold_seconds: float = 10.0
    """How long the headers wait for the first piece, so that a failure until then is an HTTP error."""
    beat_seconds: float = 15.0
    """How long a client may hear nothing; one gives up after 45 s, and does not count comments."""


USUAL = Patience()


class PatientStream(Deferred[bytes]):
    """Gives what *source* does, and *beat* whenever the wait for its first piece is long.

    Args:
        source: Gives the pieces; what fails after the first is for itself to tell.
        beat: Something that clients take for nothing.
        failure: Tells that there is no answer, after a beat; before, what has failed rises.
        patience: With the provider.

    Raises:
        HecateError: There is no answer, and nothing was given.
    """

    __slots__ = ("_beat", "_failure", "_first", "_has_beaten", "_patience", "_waits_for")

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        beat: bytes,
        failure: Callable[[HecateError], bytes],
        patience: Patience,
    ) -> None:
        super().__init__()
        self._waits_for = source
        self._beat = beat
        self._failure = failure
        self._patience = patience
        self._first: asyncio.Task[bytes | None] | None = None
        self._has_beaten = False

    async def _begin(self) -> bytes:
        if self._first is None:
            # A task: a wait that is only given up for a while must not end the call.
            self._first = asyncio.create_task(_next(self._waits_for))
        seconds = self._patience.beat_seconds if self._has_beaten else self._patience.hold_seconds
        try:
            await asyncio.wait((self._first,), timeout=seconds)
        except asyncio.CancelledError:
            await self._give_up(self._first)
            raise
        if not self._first.done():
            self._has_beaten = True
            return self._beat
        first, self._first = self._first, None
        self._source = self._waits_for.settled if isinstance(self._waits_for, Deferred) else self._waits_for
        try:
            piece = first.result()
        except HecateError as exc:
            if not self._has_beaten:
                raise
            return self._failure(exc)
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """End the source, also while its first piece is waited for."""
        if self._first is not None:
            await self._give_up(self._first)
        await self._waits_for.aclose()

    async def _give_up(self, first: asyncio.Task[bytes | None]) -> None:
        first.cancel()
        await asyncio.wait((first,))
        if not first.cancelled():
            first.exception()  # Seen, even if the caller went away at the same moment.


async def _next(source: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(source, None)
