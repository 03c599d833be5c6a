"""Ends the answers that would go on for ever when the daemon stops, or must not answer any more.

A feed of events has no end of its own, so that a drain would wait for it in vain.  A chat has
one, and is let finish: feeds are what GET answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from hecate.endpoints import Call, Result, Route, Stream


class Ending(Protocol):
    """Something to wait for."""

    async def wait(self) -> object:
        """Return when it has come."""


class FeedsEnd:
    """The end of the feeds that are open: all there will ever be, or those of now."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Return when the feeds that are open now are to end."""
        await self._event.wait()

    def come(self) -> None:
        """End the feeds that are open; later ones go on until it comes again."""
        self._event.set()
        self._event = asyncio.Event()

    def come_for_good(self) -> None:
        """End the feeds that are open, and every later one at once."""
        self._event.set()


def end_with(stopping: Ending, route: Route) -> Route:
    """Return *route* with streams that end, properly, when *stopping* has come; others as they are."""
    if route.method != "GET":
        return route

    async def call(call: Call) -> Result:
        result = await route.call(call)
        if isinstance(result, Stream):
            return replace(result, pieces=_until(stopping, result.pieces))
        return result

    return replace(route, call=call)


async def _until(stopping: Ending, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    stop = asyncio.ensure_future(stopping.wait())
    async with aclosing(pieces):
        try:
            while True:
                coming = asyncio.ensure_future(anext(pieces, None))
                try:
                    await asyncio.wait((coming, stop), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # A generator cannot be closed while it runs.
                    if not coming.done():
                        coming.cancel()
                        await asyncio.wait((coming,))
                if coming.cancelled() or (piece := coming.result()) is None:
                    return
                yield piece
        finally:
            stop.cancel()
