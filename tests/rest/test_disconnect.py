"""What is done for a caller ends when the caller is gone, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hecate.rest.body import ClientGone
from hecate.rest.disconnect import unless_gone


class Connection:
    """A connection that can be lost."""

    def __init__(self) -> None:
        self.leave: Callable[[], None] | None = None
        self.scope = {"state": {"when_gone": self.when_gone}}

    def when_gone(self, leave: Callable[[], None] | None) -> None:
        self.leave = leave

    async def wait(self, ended: asyncio.Event) -> None:
        """Wait for ever; set *ended* when that is over."""
        with unless_gone(self.scope):
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await asyncio.sleep(0)  # What is to be done at the end may take a while.
                ended.set()


async def test_work_ends_when_the_caller_is_gone() -> None:
    """Its own end is waited for; then it is said who has left."""
    connection, ended = Connection(), asyncio.Event()
    task = asyncio.ensure_future(connection.wait(ended))
    await asyncio.sleep(0)
    assert connection.leave is not None
    connection.leave()
    with pytest.raises(ClientGone):
        await task
    assert ended.is_set()
    assert connection.leave is None


async def test_another_cancels_the_work() -> None:
    """A cancellation that is not the caller's stays one, even if the caller leaves at the same moment."""
    connection, ended = Connection(), asyncio.Event()
    task = asyncio.ensure_future(connection.wait(ended))
    await asyncio.sleep(0)
    task.cancel()
    assert connection.leave is not None
    connection.leave()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_that_ends_by_itself() -> None:
    """Errors rise as they are, and nobody is called any more."""
    connection = Connection()
    with pytest.raises(KeyError), unless_gone(connection.scope):
        raise KeyError
    assert connection.leave is None


async def test_a_server_that_does_not_tell() -> None:
    """Under another server the work is done to its end."""
    with unless_gone({}):
        await asyncio.sleep(0)
