"""Answers that come piece by piece, for as long as they are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from http.client import HTTPException, HTTPResponse
from types import TracebackType
from typing import Generic, Self, TypeVar

from hecate.client import model_questions, questions
from hecate.client.answers import JobMessage, RecordedEvent
from hecate.client.connection import UnixConnection, headers_of, read_all
from hecate.client.errors import AnswerBroken, DaemonUnreachable, Unavailable, refusal
from hecate.client.model_answers import ChatChunk
from hecate.client.patience import Patience
from hecate.client.question import decoded
from hecate.client.questions import Selection
from hecate.client.sse import EventParser

T = TypeVar("T")

PIECE_BYTES = 64 * 1024


class Stream(Generic[T]):
    """An iterator that holds a connection, and gives it back when it is closed or at its end.

    Closing it early tells the daemon that nobody listens: a chat is cancelled, also at the provider.

        with client.stream_chat("llama3.2", "Hello!") as chunks:
            for chunk in chunks:
                print(chunk.content, end="")
    """

    def __init__(self, pieces: Generator[T, None, None], disconnect: Callable[[], None]) -> None:
        self._pieces = pieces
        # Not left to the generator's own `finally`: one that was never started does not run it.
        self._disconnect = disconnect

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the stream and its connection; harmless when it has ended."""
        self._pieces.close()
        self._disconnect()


def chunks(connection: UnixConnection, response: HTTPResponse) -> Generator[ChatChunk, None, None]:
    """Yield the pieces of a chat up to the last one.

    Raises:
        HecateClientError: The answer tells of a failure in its middle.
        AnswerBroken: It ends before its last piece.
    """
    headers = headers_of(response)
    try:
        for data, _ in _data(response):
            chunk = model_questions.chunk(data, headers)
            yield chunk
            if chunk.done:
                return
        raise AnswerBroken("the answer ended before its last piece")
    finally:
        connection.close()


def told(connection: UnixConnection, response: HTTPResponse) -> Generator[JobMessage, None, None]:
    """Yield what a job tells, up to its end.

    Raises:
        AnswerBroken: The stream ends before the job does.
    """
    try:
        for data, _ in _data(response):
            message = decoded(data.encode(), JobMessage)
            yield message
            if message.type == "done":
                return
        raise AnswerBroken("the daemon stopped before the job had ended")
    finally:
        connection.close()


def lines(connection: UnixConnection, response: HTTPResponse) -> Generator[RecordedEvent, None, None]:
    """Yield the events that come one a line.

    Raises:
        AnswerBroken: The connection broke before the last line.
    """
    rest = b""
    try:
        for piece in _pieces(response):
            # Not `readline`: for http.client a broken connection is the end of the last line.
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield decoded(line, RecordedEvent)
    finally:
        connection.close()


def followed(
    connection: UnixConnection, selection: Selection, patience: Patience
) -> Generator[RecordedEvent, None, None]:
    """Yield *selection* live, and connect again, after the last event seen, whenever the stream stops.

    Raises:
        DaemonUnreachable: The daemon was never there, or was away for longer than *patience*.
        HecateClientError: It refuses the selection.
    """
    last_id = ""
    while True:
        try:
            response = connection.send_question(questions.live_events(selection, last_id))
            if response.status >= 400:
                raise refusal(response.status, read_all(response, connection.socket_path), headers_of(response))
            patience.renew()
            for data, event_id in _data(response):
                event, last_id = decoded(data.encode(), RecordedEvent), event_id
                yield event
        except (AnswerBroken, DaemonUnreachable, Unavailable):
            if patience.is_over():
                raise
        finally:
            connection.close()
        time.sleep(patience.next_pause_seconds())


def _data(response: HTTPResponse) -> Generator[tuple[str, str], None, None]:
    """Yield the data and the id of each server-sent event until the daemon ends the stream."""
    parser = EventParser()
    for piece in _pieces(response):
        for event in parser.feed(piece):
            yield event.data, event.last_id


def _pieces(response: HTTPResponse) -> Generator[bytes, None, None]:
    try:
        while piece := response.read1(PIECE_BYTES):
            yield piece
    except (HTTPException, ConnectionError) as exc:
        raise AnswerBroken("the connection to the daemon broke in the middle of the stream") from exc
