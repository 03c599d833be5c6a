"""Answers that come piece by piece, for as long as they are awaited: what `hecate.client.stream` does, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import aiohttp

from hecate.client import model_questions, questions
from hecate.client.answers import JobMessage, RecordedEvent
from hecate.client.errors import AnswerBroken, DaemonUnreachable, Unavailable
from hecate.client.model_answers import ChatChunk
from hecate.client.patience import Patience
from hecate.client.question import Question, decoded
from hecate.client.questions import Selection
from hecate.client.sse import EventParser

T = TypeVar("T")


class AsyncStream(Generic[T]):
    """An asynchronous iterator that holds a connection, and closes it with itself or at its end, as `Stream` does."""

    def __init__(self, pieces: AsyncGenerator[T, None], response: aiohttp.ClientResponse | None = None) -> None:
        self._pieces = pieces
        # Not left to the generator's own `finally`: one that was never started does not run it.
        self._response = response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self._pieces)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the stream and its connection; harmless when it has ended."""
        await self._pieces.aclose()
        if self._response is not None:
            self._response.close()


async def chunks(response: aiohttp.ClientResponse) -> AsyncGenerator[ChatChunk, None]:
    """Yield the pieces of a chat up to the last one.  Raises as its namesake in `stream` does."""
    headers = headers_of(response)
    try:
        async for data, _ in _data(response):
            chunk = model_questions.chunk(data, headers)
            yield chunk
            if chunk.done:
                return
        raise AnswerBroken("the answer ended before its last piece")
    finally:
        response.close()


async def told(response: aiohttp.ClientResponse) -> AsyncGenerator[JobMessage, None]:
    """Yield what a job tells, up to its end.  Raises as its namesake in `stream` does."""
    try:
        async for data, _ in _data(response):
            message = decoded(data.encode(), JobMessage)
            yield message
            if message.type == "done":
                return
        raise AnswerBroken("the daemon stopped before the job had ended")
    finally:
        response.close()


async def lines(response: aiohttp.ClientResponse) -> AsyncGenerator[RecordedEvent, None]:
    """Yield the events that come one a line.  Raises as its namesake in `stream` does."""
    rest = b""
    try:
        async for piece in response.content.iter_any():
            # Not `readline`: it limits the length of a line.
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield decoded(line, RecordedEvent)
    except aiohttp.ClientError as exc:
        raise AnswerBroken("the connection to the daemon broke in the middle of the events") from exc
    finally:
        response.close()


async def followed(
    opened: Callable[[Question[Any]], Awaitable[aiohttp.ClientResponse]], selection: Selection, patience: Patience
) -> AsyncGenerator[RecordedEvent, None]:
    """Yield *selection* live, without end.  Raises as its namesake in `stream` does."""
    last_id = ""
    while True:
        try:
            async with await opened(questions.live_events(selection, last_id)) as response:
                patience.renew()
                async for data, event_id in _data(response):
                    event, last_id = decoded(data.encode(), RecordedEvent), event_id
                    yield event
        except (AnswerBroken, DaemonUnreachable, Unavailable):
            if patience.is_over():
                raise
        await asyncio.sleep(patience.next_pause_seconds())


def headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the headers of *response*, their names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}


async def _data(response: aiohttp.ClientResponse) -> AsyncGenerator[tuple[str, str], None]:
    """Yield the data and the id of each server-sent event until the daemon ends the stream."""
    parser = EventParser()
    try:
        async for piece in response.content.iter_any():
            for event in parser.feed(piece):
                yield event.data, event.last_id
    except aiohttp.ClientError as exc:
        raise AnswerBroken("the connection to the daemon broke in the middle of the stream") from exc
