"""Parts of a connection without the queue that asyncio's and uvicorn's have: 760 bytes each, and always empty."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Moment:
    """An `asyncio.Event` that one task at a time waits for."""

    __slots__ = ("_is_set", "_waiter")

    def __init__(self, *, is_set: bool = False) -> None:
        self._is_set = is_set
        self._waiter: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        """Tell whether it has come."""
        return self._is_set

    def set(self) -> None:
        """Say that it has come."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Say that it is to come again."""
        self._is_set = False

    async def wait(self) -> bool:
        """Wait until it comes."""
        while not self._is_set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return True


class Pipeline(list[T], Generic[T]):
    """What is left of a pipeline, where hardly anybody sends a second request before the first is answered."""

    __slots__ = ()

    def appendleft(self, item: T) -> None:
        """Put *item* behind all others."""
        self.insert(0, item)
