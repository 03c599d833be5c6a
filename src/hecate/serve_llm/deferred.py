"""An async generator that turns out to be another one.

Much that stands between a provider and its caller has something to do only until the first item is
there: it tries one provider after the other, or fills silence.  As a generator around a generator, each
such layer would be passed by every chunk of a stream; these step aside.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Coroutine
from types import TracebackType
from typing import Any, TypeVar

Item = TypeVar("Item")


class Deferred(AsyncGenerator[Item, None]):
    """Gives what `_begin` does, until that has set `_source`; from then on, what the source gives."""

    __slots__ = ("_source",)

    def __init__(self) -> None:
        self._source: AsyncGenerator[Item, None] | None = None

    @abstractmethod
    async def _begin(self) -> Item:
        """Return the next item.

        Raises:
            StopAsyncIteration: There is none.
        """

    @property
    def settled(self) -> AsyncGenerator[Item, None]:
        """What it has turned out to be, so far."""
        if self._source is None:
            return self
        return self._source.settled if isinstance(self._source, Deferred) else self._source

    def __anext__(self) -> Coroutine[Any, Any, Item]:
        return self._begin() if self._source is None else self._source.__anext__()

    async def asend(self, value: None) -> Item:  # noqa: ARG002 - nobody sends anything
        """Return the next item."""
        return await self.__anext__()

    async def athrow(
        self,
        kind: type[BaseException] | BaseException,
        raised: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Item:
        """Raise an exception where the source stands."""
        if self._source is None:
            raise kind
        # The form with three arguments is deprecated from Python 3.12 on.
        if not isinstance(kind, BaseException):
            kind = raised if isinstance(raised, BaseException) else kind()
        return await self._source.athrow(kind if traceback is None else kind.with_traceback(traceback))

    async def aclose(self) -> None:
        """End the source."""
        if self._source is not None:
            await self._source.aclose()
