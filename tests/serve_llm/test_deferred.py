"""A generator that turns out to be another one behaves like that one, from its first item on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from hecate.serve_llm.deferred import Deferred


class Late(Deferred[int]):
    """Is *source*, after a 0."""

    __slots__ = ("_late",)

    def __init__(self, source: AsyncGenerator[int, None]) -> None:
        super().__init__()
        self._late = source

    async def _begin(self) -> int:
        self._source = self._late
        return 0


class Numbers:
    """Counts, and notes what happens to it."""

    def __init__(self) -> None:
        self.ended_by: type[BaseException] | None = None

    async def count(self, most: int = 9) -> AsyncGenerator[int, None]:
        """Give 1 to *most*."""
        try:
            for number in range(1, most + 1):
                yield number
        except BaseException as exc:
            self.ended_by = type(exc)
            raise


async def test_items() -> None:
    """First comes what it has itself, then all that the source has, and then the end."""
    assert [number async for number in Late(Numbers().count(3))] == [0, 1, 2, 3]


async def test_closing_ends_the_source() -> None:
    """Leaving it is leaving the source."""
    numbers = Numbers()
    async with aclosing(Late(numbers.count())) as late:
        assert [await anext(late), await late.asend(None)] == [0, 1]
    assert numbers.ended_by is GeneratorExit


async def test_closing_before_there_is_a_source() -> None:
    """Nothing is begun by being left."""
    late = Late(Numbers().count())
    await late.aclose()
    with pytest.raises(KeyError):
        await late.athrow(KeyError)


async def test_an_exception_is_raised_where_the_source_stands() -> None:
    """What is thrown in gets to the source."""
    numbers = Numbers()
    late = Late(numbers.count())
    assert [await anext(late), await anext(late)] == [0, 1]
    with pytest.raises(KeyError):
        await late.athrow(KeyError)
    assert numbers.ended_by is KeyError
