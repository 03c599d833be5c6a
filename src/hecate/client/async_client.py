"""The client for asyncio programs: what `Client` does, awaited.

from hecate.client import AsyncClient

async with AsyncClient() as client:
    async with await client.stream_chat("llama3.2", "Hello!") as chunks:
        async for chunk in chunks:
            print(chunk.content, end="")
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import aiohttp

from hecate.client import answers, questions
from hecate.client.client import PAGE_SIZE, Fetched
from hecate.client.errors import AnswerBroken, DaemonSilent, DaemonUnreachable, Unavailable, refusal, unreachable
from hecate.client.patience import Patience
from hecate.client.questions import EVERYTHING, Messages, Place, Question, Selection
from hecate.client.sse import EventParser
from hecate.paths import find_socket

T = TypeVar("T")

LARGE_BODY_BYTES = 512 * 1024


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


class AsyncClient:
    """Talks to the daemon over its Unix socket, on as many connections as there are calls at a time.

    The methods are those of `Client`: they take the same, return the same and raise the same.  Cancelling a call
    closes its connection, and so cancels a chat.

    Args:
        socket_path: The daemon's socket; None looks in the usual places (`hecate.paths.find_socket`).
        timeout_seconds: The longest wait for an answer.  It does not hold for chats, which have ``timeout_seconds``
            of their own, nor for live events.
    """

    def __init__(self, socket_path: str | Path | None = None, *, timeout_seconds: float = 30.0) -> None:
        self.socket_path = str(socket_path if socket_path is not None else find_socket())
        self.timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; the next call would open another."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def health(self) -> answers.Health:
        """See `Client.health`."""
        return (await self.fetch(questions.health())).value

    async def openapi(self) -> dict[str, Any]:
        """See `Client.openapi`."""
        return (await self.fetch(questions.openapi())).value

    async def ventures(
        self, *, limit: int = 50, after: Place | None = None, include_archived: bool = False
    ) -> answers.VenturePage:
        """See `Client.ventures`."""
        question = questions.ventures(limit=limit, after=after, include_archived=include_archived)
        return (await self.fetch(question)).value

    async def every_venture(self, *, include_archived: bool = False) -> AsyncIterator[answers.Venture]:
        """See `Client.every_venture`."""
        page = await self.ventures(limit=PAGE_SIZE, include_archived=include_archived)
        while True:
            for venture in page.ventures:
                yield venture
            if page.next is None:
                return
            page = await self.ventures(limit=PAGE_SIZE, after=page.next, include_archived=include_archived)

    async def venture(self, venture_id: str) -> answers.Venture:
        """See `Client.venture`."""
        return (await self.fetch(questions.venture(venture_id))).value

    async def venture_status(self, venture_id: str) -> answers.VentureStatus:
        """See `Client.venture_status`."""
        return (await self.fetch(questions.venture_status(venture_id))).value

    async def divisions(self, venture_id: str, *, limit: int = 50, after: Place | None = None) -> answers.DivisionPage:
        """See `Client.divisions`."""
        question = questions.divisions(venture_id, limit=limit, after=after)
        return (await self.fetch(question)).value

    async def every_division(self, venture_id: str) -> AsyncIterator[answers.Division]:
        """See `Client.every_division`."""
        page = await self.divisions(venture_id, limit=PAGE_SIZE)
        while True:
            for division in page.divisions:
                yield division
            if page.next is None:
                return
            page = await self.divisions(venture_id, limit=PAGE_SIZE, after=page.next)

    async def division(self, division_id: str) -> answers.Division:
        """See `Client.division`."""
        return (await self.fetch(questions.division(division_id))).value

    async def process(
        self, division_id: str, process: str, *, limit: int = 50, after: Place | None = None
    ) -> answers.ProcessView:
        """See `Client.process`."""
        return (await self.fetch(questions.process(division_id, process, limit=limit, after=after))).value

    async def command(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        expected_version: int | None = None,
    ) -> answers.CommandAnswer:
        """See `Client.command`."""
        question = questions.command(
            path, fields or {}, idempotency_key=idempotency_key, expected_version=expected_version
        )
        return (await self.fetch(question)).value

    async def set_up_venture(
        self, name: str, *, brief: str | None = None, workspace: str | None = None, idempotency_key: str | None = None
    ) -> answers.CommandAnswer:
        """See `Client.set_up_venture`."""
        given = {"name": name, "brief": brief, "workspace": workspace}
        fields = {field: value for field, value in given.items() if value is not None}
        return await self.command("/api/ventures", fields, idempotency_key=idempotency_key)

    async def discovery_command(
        self, venture_id: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """See `Client.discovery_command`."""
        return await self.command(questions.discovery_path(venture_id, verb), fields, **headers)

    async def division_command(
        self, division_id: str, process: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """See `Client.division_command`."""
        return await self.command(questions.division_path(division_id, process, verb), fields, **headers)

    async def jobs(self, *, limit: int = 50, after: Place | None = None, **chosen: str | None) -> answers.JobPage:
        """See `Client.jobs`."""
        return (await self.fetch(questions.jobs(limit=limit, after=after, **chosen))).value

    async def job(self, job_id: str) -> answers.Job:
        """See `Client.job`."""
        return (await self.fetch(questions.job(job_id))).value

    async def cancel_job(self, job_id: str) -> answers.Job:
        """See `Client.cancel_job`."""
        return (await self.fetch(questions.cancel_job(job_id))).value

    async def follow_job(self, job_id: str) -> AsyncStream[answers.JobMessage]:
        """See `Client.follow_job`."""
        response = await self._send(questions.job_messages(job_id))
        await self._raise_refusal(response)
        return AsyncStream(_told(response), response)

    async def events(self, selection: Selection = EVERYTHING, *, limit: int = 50) -> answers.EventPage:
        """See `Client.events`."""
        return (await self.fetch(questions.events(selection, limit=limit))).value

    async def every_event(self, selection: Selection = EVERYTHING) -> AsyncStream[answers.RecordedEvent]:
        """See `Client.every_event`."""
        response = await self._send(questions.event_lines(selection))
        await self._raise_refusal(response)
        return AsyncStream(_lines(response), response)

    def follow_events(
        self, selection: Selection = EVERYTHING, *, patience_seconds: float = 30.0
    ) -> AsyncStream[answers.RecordedEvent]:
        """See `Client.follow_events`."""
        return AsyncStream(self._followed(selection, Patience(patience_seconds)))

    async def models(self) -> tuple[answers.Model, ...]:
        """See `Client.models`."""
        return (await self.fetch(questions.models())).value.models

    async def providers(self) -> dict[str, answers.ProviderHealth]:
        """See `Client.providers`."""
        return (await self.fetch(questions.providers())).value.providers

    async def usage(self, *, by: str = "day", since: str = "", until: str = "", limit: int = 50) -> answers.UsageReport:
        """See `Client.usage`."""
        return (await self.fetch(questions.usage(by=by, since=since, until=until, limit=limit))).value

    async def chat(self, model: str, messages: Messages, **options: object) -> answers.ChatAnswer:
        """See `Client.chat`."""
        return (await self.fetch(questions.chat(model, messages, options, stream=False))).value

    async def stream_chat(self, model: str, messages: Messages, **options: object) -> AsyncStream[answers.ChatChunk]:
        """See `Client.stream_chat`."""
        response = await self._send(questions.chat(model, messages, options, stream=True))
        await self._raise_refusal(response)
        return AsyncStream(_chunks(response), response)

    async def fetch(self, question: Question[T]) -> Fetched[T]:
        """See `Client.fetch`."""
        try:
            status, raw, headers = await self._exchange(question)
        except AnswerBroken:
            if not question.repeatable:
                raise
            status, raw, headers = await self._exchange(question)
        if status >= 400:
            raise refusal(status, raw, headers)
        return Fetched(question.read(raw), raw, headers)

    async def _exchange(self, question: Question[Any]) -> tuple[int, bytes, Mapping[str, str]]:
        async with await self._send(question) as response:
            return response.status, await self._read_all(response), _headers(response)

    async def _send(self, question: Question[Any]) -> aiohttp.ClientResponse:
        """Send *question* and return the answer as far as its headers."""
        patience = None if question.patient else self.timeout_seconds
        try:
            return await self._connected().request(
                question.method,
                f"http://localhost{question.path}",
                data=_in_pieces(question.body),
                headers=question.headers,
                timeout=aiohttp.ClientTimeout(total=patience),
            )
        except aiohttp.ClientConnectorError as exc:
            raise unreachable(self.socket_path, exc.os_error) from exc
        except TimeoutError as exc:
            raise DaemonSilent(f"the daemon at {self.socket_path} did not answer within {patience:g} s") from exc
        except aiohttp.ClientError as exc:
            raise AnswerBroken(f"the connection to the daemon broke before the answer: {exc}") from exc

    def _connected(self) -> aiohttp.ClientSession:
        # Not in `__init__`: aiohttp wants the running loop, and a client may be made before there is one.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(self.socket_path), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def _read_all(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await response.read()
        except TimeoutError as exc:
            raise DaemonSilent(f"the daemon at {self.socket_path} stopped in the middle of its answer") from exc
        except aiohttp.ClientError as exc:
            raise AnswerBroken("the connection to the daemon broke in the middle of the answer") from exc

    async def _raise_refusal(self, response: aiohttp.ClientResponse) -> None:
        if response.status >= 400:
            async with response:
                raise refusal(response.status, await self._read_all(response), _headers(response))

    async def _followed(self, selection: Selection, patience: Patience) -> AsyncGenerator[answers.RecordedEvent, None]:
        last_id = ""
        while True:
            try:
                async with await self._send(questions.live_events(selection, last_id)) as response:
                    await self._raise_refusal(response)
                    patience.renew()
                    async for data, event_id in _data(response):
                        event, last_id = questions.decoded(data.encode(), answers.RecordedEvent), event_id
                        yield event
            except (AnswerBroken, DaemonUnreachable, Unavailable):
                if patience.is_over():
                    raise
            await asyncio.sleep(patience.next_pause_seconds())


def _in_pieces(body: bytes | None) -> bytes | io.BytesIO | None:
    # Sent in one piece, the images of a chat would hold up the event loop; aiohttp warns of it above 1 MiB.
    return io.BytesIO(body) if body is not None and len(body) > LARGE_BODY_BYTES else body


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
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


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[answers.RecordedEvent, None]:
    rest = b""
    try:
        async for piece in response.content.iter_any():
            # Not `readline`: it limits the length of a line.
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield questions.decoded(line, answers.RecordedEvent)
    except aiohttp.ClientError as exc:
        raise AnswerBroken("the connection to the daemon broke in the middle of the events") from exc
    finally:
        response.close()


async def _told(response: aiohttp.ClientResponse) -> AsyncGenerator[answers.JobMessage, None]:
    try:
        async for data, _ in _data(response):
            message = questions.decoded(data.encode(), answers.JobMessage)
            yield message
            if message.type == "done":
                return
        raise AnswerBroken("the daemon stopped before the job had ended")
    finally:
        response.close()


async def _chunks(response: aiohttp.ClientResponse) -> AsyncGenerator[answers.ChatChunk, None]:
    headers = _headers(response)
    try:
        async for data, _ in _data(response):
            chunk = questions.chunk(data, headers)
            yield chunk
            if chunk.done:
                return
        raise AnswerBroken("the answer ended before its last piece")
    finally:
        response.close()
