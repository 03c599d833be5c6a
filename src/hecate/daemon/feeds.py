"""Ends the answers that would go on for ever when the daemon stops.

A feed of events has no end of its own, so that a drain would wait for it in vain.  A chat has
one, and is let finish: feeds are what GET answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from hecate.endpoints import Call, Result, Route, Stream


def end_with(stopping: asyncio.Event, route: Route) -> Route:
    """Return *route* with streams that end, properly, when *stopping* is set; others as they are."""
    if route.method != "GET":
        return route

    async def call(call: Call) -> Result:
        result = await route.call(call)
        if isinstance(result, Stream):
            return replace(result, pieces=_until(stopping, result.pieces))
        return result

    return replace(route, call=call)


async def _until(stopping: asyncio.Event, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
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
