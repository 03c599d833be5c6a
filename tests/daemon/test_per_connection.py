"""What stands in for asyncio's and uvicorn's queues does as they do."""

from __future__ import annotations

import asyncio

import pytest

from hecate.daemon.per_connection import Moment, Pipeline


async def test_a_moment_comes_for_whoever_waits() -> None:
    """Before it has come one waits, afterwards not, and again once it is cleared."""
    moment = Moment()
    waiting = asyncio.ensure_future(moment.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    moment.set()
    moment.set()
    assert await waiting
    assert moment.is_set()
    assert await moment.wait()
    moment.clear()
    assert not moment.is_set()


async def test_a_moment_that_is_over_before_its_waiter_wakes() -> None:
    """Whoever is woken too late waits on."""
    moment = Moment()
    waiting = asyncio.ensure_future(moment.wait())
    await asyncio.sleep(0)
    moment.set()
    moment.clear()
    await asyncio.sleep(0)
    assert not waiting.done()
    moment.set()
    assert await waiting


async def test_who_waits_may_leave() -> None:
    """A waiter that is cancelled is forgotten."""
    moment = Moment()
    waiting = asyncio.ensure_future(moment.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    moment.set()
    assert await moment.wait()


def test_a_pipeline_keeps_the_order() -> None:
    """What is put at the left first is taken from the right first."""
    pipeline = Pipeline[str]()
    pipeline.appendleft("a")
    pipeline.appendleft("b")
    assert [pipeline.pop(), pipeline.pop()] == ["a", "b"]
    assert not pipeline
