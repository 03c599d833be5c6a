"""How a question gets to the daemon and its answer back, for programs that wait.

What can be asked is in `Client`; here is the connection: kept, renewed, shared by threads, and asked again where
that is safe.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from hecate.client.connection import UnixConnection, headers_of, read_all
from hecate.client.errors import AnswerBroken, refusal
from hecate.client.question import Question
from hecate.paths import find_socket

T = TypeVar("T")


class Fetched(NamedTuple, Generic[T]):
    """An answer, read and as it came."""

    value: T
    raw: bytes
    headers: Mapping[str, str]
    """Names in lower case."""


class Carrier:
    """A daemon's socket, and one connection to it."""

    def __init__(self, socket_path: str | Path | None = None, *, timeout_seconds: float = 30.0) -> None:
        self.socket_path = str(socket_path if socket_path is not None else find_socket())
        self.timeout_seconds = timeout_seconds
        self._connection = UnixConnection(self.socket_path, timeout_seconds)
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the kept connection; the next call would open another."""
        self._connection.close()

    def fetch(self, question: Question[T]) -> Fetched[T]:
        """Ask *question* and return its answer, read and raw.

        Raises:
            HecateClientError: The daemon refused, or could not be asked.
        """
        with self._turn:
            try:
                status, raw, headers = self._exchange(question)
            except AnswerBroken:
                if not question.repeatable:
                    raise
                status, raw, headers = self._exchange(question)
        if status >= 400:
            raise refusal(status, raw, headers)
        return Fetched(question.read(raw), raw, headers)

    def _exchange(self, question: Question[Any]) -> tuple[int, bytes, Mapping[str, str]]:
        connection = self._connection
        connection.drop_if_stale()
        patience = None if question.patient else self.timeout_seconds
        connection.timeout = patience
        if connection.sock is not None:
            connection.sock.settimeout(patience)
        done = False
        try:
            response = connection.send_question(question)
            # Closed also where it breaks off: it keeps the socket open.
            with response:
                raw = read_all(response, self.socket_path)
            done = True
        finally:
            # Also after Ctrl-C: the rest of this answer must not be taken for the next one.
            if not done:
                connection.close()
        return response.status, raw, headers_of(response)

    def opened(self, question: Question[Any]) -> tuple[UnixConnection, HTTPResponse]:
        """Ask *question* on a connection of its own, for an answer that is read piece by piece."""
        connection = UnixConnection(self.socket_path, timeout_seconds=None)
        response = connection.send_question(question)
        if response.status >= 400:
            with closing(connection), response:
                raw = read_all(response, self.socket_path)
            raise refusal(response.status, raw, headers_of(response))
        return connection, response
