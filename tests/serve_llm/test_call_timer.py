"""The deadlines of a call: what they end, in which words, and what they leave alone."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from hecate.serve_llm.call_timer import CallTimer, TooSilent
from tests.serve_llm.asking import until

LONG_SECONDS = 60.0


def body() -> StreamReader:
    """Return a body of which nothing has come."""
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.transport = asyncio.Transport()
    return StreamReader(protocol, 1024, loop=loop)


async def never() -> None:
    """Wait for nothing."""
    await asyncio.Event().wait()


async def test_a_silence_before_the_answer() -> None:
    """What has not come in its time ends the wait, though the call could take longer."""
    with pytest.raises(TooSilent), CallTimer(LONG_SECONDS, 0.01):
        await never()


async def test_a_call_that_takes_too_long() -> None:
    """The whole call's time ends it in another error than silence does."""
    with pytest.raises(TimeoutError) as caught, CallTimer(0.01, LONG_SECONDS):
        await never()
    assert type(caught.value) is TimeoutError


async def test_another_cancellation_stays_one() -> None:
    """Who is cancelled for another reason is cancelled, also at the moment of a deadline."""

    async def wait() -> None:
        with CallTimer(0.01, None):
            try:
                await never()
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.sleep(0)

    task = asyncio.create_task(wait())
    await asyncio.wait((task,))
    assert task.cancelled()


async def test_silence_in_a_body() -> None:
    """Once the answer has begun, it is its reader that fails, in whichever task."""
    with CallTimer(LONG_SECONDS, 0.01) as timer:
        reader = body()
    timer.watch(reader)
    timer.waiting_since = asyncio.get_running_loop().time()
    with pytest.raises(TooSilent):
        await asyncio.create_task(reader.readany())
    timer.stop()


async def test_a_gap_counts_from_the_last_piece() -> None:
    """A shorter patience holds from the moment that it is asked for."""
    with CallTimer(LONG_SECONDS, LONG_SECONDS) as timer:
        reader = body()
    timer.watch(reader)
    timer.silent_at_most(0.01)
    timer.waiting_since = asyncio.get_running_loop().time()
    with pytest.raises(TooSilent):
        await reader.readany()
    timer.stop()


async def test_a_slow_reader_is_no_silence() -> None:
    """While nobody waits for the provider, however often the timer looks, nothing is its fault."""
    with CallTimer(LONG_SECONDS, 0.002) as timer:
        reader = body()
    timer.watch(reader)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks < 20:
            asyncio.get_running_loop().call_later(0.002, look)

    look()
    await until(lambda: looks == 20)
    assert reader.exception() is None
    timer.stop()


async def test_a_call_that_is_over_is_left_alone() -> None:
    """After its end, no deadline of a call reaches anybody."""
    with CallTimer(0.01, 0.01) as timer:
        reader = body()
    timer.watch(reader)
    timer.waiting_since = asyncio.get_running_loop().time()
    timer.stop()
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.03, passed.set)
    await passed.wait()
    assert reader.exception() is None
