"""Feeds end when the daemon stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

from hecate.daemon.feeds import end_with
from hecate.endpoints import Call, Result, Route, Stream

CALL = cast("Call", None)


def route_to(pieces: AsyncGenerator[bytes, None], method: str = "GET") -> Route:
    """Return a route that streams *pieces*."""

    async def call(call: Call) -> Result:
        return Stream(pieces)

    return Route(method=method, path="/x", call=call, summary="")


async def pieces_of(route: Route) -> AsyncGenerator[bytes, None]:
    """Return the pieces that *route* answers with."""
    result = await route.call(CALL)
    assert isinstance(result, Stream)
    return result.pieces


async def test_a_feed_ends_when_the_daemon_stops() -> None:
    """It is cut between two pieces, and what the feed holds is let go."""
    stopping, closed = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    pieces = await pieces_of(end_with(stopping, route_to(endless())))
    assert await anext(pieces) == b"first"
    waiting = asyncio.ensure_future(anext(pieces, None))
    asyncio.get_running_loop().call_soon(stopping.set)
    assert await waiting is None
    assert closed.is_set()


async def test_a_stream_that_ends_by_itself_is_whole() -> None:
    """All its pieces come through, in order, and its end is its own."""

    async def three() -> AsyncGenerator[bytes, None]:
        for piece in (b"a", b"b", b"c"):
            yield piece

    pieces = await pieces_of(end_with(asyncio.Event(), route_to(three())))
    assert [piece async for piece in pieces] == [b"a", b"b", b"c"]


async def test_a_failure_of_a_feed_is_the_callers_to_see() -> None:
    """What goes wrong in a feed is not taken for its end."""

    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise RuntimeError("bug")

    pieces = await pieces_of(end_with(asyncio.Event(), route_to(failing())))
    assert await anext(pieces) == b"a"
    failure: Any = (await asyncio.gather(anext(pieces), return_exceptions=True))[0]
    assert str(failure) == "bug"


async def test_a_caller_who_goes_away_closes_the_feed() -> None:
    """Closing the stream closes what it came from."""
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"more"
        finally:
            closed.set()

    pieces = await pieces_of(end_with(asyncio.Event(), route_to(endless())))
    await anext(pieces)
    await pieces.aclose()
    assert closed.is_set()


async def test_a_chat_is_let_finish() -> None:
    """What POST answers has an end of its own."""

    async def chat() -> AsyncGenerator[bytes, None]:
        yield b"a"

    route = route_to(chat(), method="POST")
    assert end_with(asyncio.Event(), route) is route
