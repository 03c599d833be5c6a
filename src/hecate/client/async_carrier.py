"""How a question gets to the daemon and its answer back, for asyncio programs: what `Carrier` does, awaited."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from hecate.client.async_stream import headers_of
from hecate.client.carrier import Fetched
from hecate.client.errors import AnswerBroken, DaemonSilent, refusal, unreachable
from hecate.client.question import Question
from hecate.paths import find_socket

T = TypeVar("T")

LARGE_BODY_BYTES = 512 * 1024


class AsyncCarrier:
    """A daemon's socket, and as many connections to it as there are calls at a time."""

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

    async def fetch(self, question: Question[T]) -> Fetched[T]:
        """See `Carrier.fetch`."""
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
            return response.status, await self._read_all(response), headers_of(response)

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

    async def opened(self, question: Question[Any]) -> aiohttp.ClientResponse:
        """Ask *question*, for an answer that is read piece by piece."""
        response = await self._send(question)
        if response.status >= 400:
            async with response:
                raise refusal(response.status, await self._read_all(response), headers_of(response))
        return response


def _in_pieces(body: bytes | None) -> bytes | io.BytesIO | None:
    # Sent in one piece, the images of a chat would hold up the event loop; aiohttp warns of it above 1 MiB.
    return io.BytesIO(body) if body is not None and len(body) > LARGE_BODY_BYTES else body
