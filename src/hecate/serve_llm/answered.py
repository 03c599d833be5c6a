"""A stream that several attempts may be needed for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from hecate.serve_llm.deferred import Deferred, Item

if TYPE_CHECKING:
    from hecate.serve_llm.attempts import Attempt, Attempts


class Answered(Deferred[Item]):
    """A stream, by the first attempt that gives a piece of it.

    Args:
        attempts: Are made one after the other.
        answer: Gives the stream of an attempt, which it makes inside.

    Raises:
        HecateError: No attempt gives any.
    """

    __slots__ = ("_answer", "_attempts")

    def __init__(self, attempts: Attempts, answer: Callable[[Attempt], AsyncGenerator[Item, None]]) -> None:
        super().__init__()
        self._attempts: Attempts | None = attempts
        self._answer: Callable[[Attempt], AsyncGenerator[Item, None]] | None = answer

    async def _begin(self) -> Item:
        # With the last attempt, all that was for further ones can be forgotten, such as the request.
        attempts, self._attempts = self._attempts, None
        answer, self._answer = self._answer, None
        if attempts is None or answer is None:
            raise StopAsyncIteration
        async for attempt in attempts:
            source = answer(attempt)
            async for item in source:
                self._source = source
                return item
            if not attempt.has_failed:
                raise StopAsyncIteration
        raise attempts.failure
