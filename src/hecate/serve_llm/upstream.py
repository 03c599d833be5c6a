"""The HTTP side of a provider: sends a request, reads the answer, keeps the deadlines.

Every adapter goes through an `Upstream`, so what a broken connection, a silent provider or a
refusal means is decided once.  Leaving a reply, however that happens, ends the call at the
provider: the connection is closed unless the answer was read to its end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import ClientTimeout
from yarl import URL

from hecate.endpoints import Stopwatch, current_stopwatch
from hecate.serve_llm.circuit import Circuit
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.faults import Faults
from hecate.serve_llm.refusals import refusal

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.connections import Connections
    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.providers.provider import Account

BODY_LIMIT_BYTES = 32 * 1024 * 1024
REFUSAL_LIMIT_BYTES = 64 * 1024
STALE_CONNECTION_SECONDS = 1.0
"""A kept connection that the provider has closed meanwhile fails at once, not after this long."""


class Upstream:
    """Sends the requests of one account.

    Args:
        account: Where the provider is, and its deadlines.
        connections: The gateway's pool.
        headers: What goes with every request: the key, in the provider's own way.
    """

    def __init__(self, account: Account, connections: Connections, headers: Mapping[str, str]) -> None:
        self.account = account
        self.connections = connections
        self.circuit = Circuit(account.circuit)
        """Whether calls of a model are let through; questions about the provider itself always are."""
        self._headers = {**headers, **account.headers}
        self._headers_with_body = {"Content-Type": "application/json", **self._headers}
        self._urls: dict[str, URL] = {}
        self._default_timeouts = {
            streamed: self._timeout(account.deadlines.total_seconds, streamed=streamed) for streamed in (True, False)
        }

    async def ask(self, method: str, path: str, body: bytes | None = None, *, seconds: float | None = None) -> bytes:
        """Return the whole body of a successful answer.

        Args:
            method: The HTTP method.
            path: What follows the base URL, from the slash on.
            body: JSON to send.
            seconds: The longest that the call may take; None: the account's total.

        Raises:
            ModelNotFound, ProviderFailed: As for `send`.
        """
        with await self.send(method, path, body, seconds=seconds) as reply:
            return await reply.whole()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        streamed: bool = False,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and return the answer, once it has begun and is a success; use it in a ``with``.

        Args:
            method: The HTTP method.
            path: What follows the base URL, from the slash on.
            body: JSON to send.
            streamed: Whether the answer comes piece by piece, so that silence is a failure.
            seconds: The longest that the call may take; None: the account's total.
            headers: Further headers for this request.

        Raises:
            ModelNotFound: The provider does not have the model.
            ProviderFailed: The provider cannot be reached, or refuses.
            ProviderSlow: A deadline has passed.
        """
        total = self.account.deadlines.total_seconds if seconds is None else seconds
        timeouts = self._default_timeouts[streamed] if seconds is None else self._timeout(total, streamed=streamed)
        faults = Faults(self.account, total)
        usual = self._headers if body is None else self._headers_with_body
        stopwatch = current_stopwatch()
        stopwatch.wait()
        try:
            with faults:
                response = await self._open(method, path, body, {**usual, **headers} if headers else usual, timeouts)
        finally:
            stopwatch.go_on()
        reply = Reply(response, self.account, self.connections, faults, stopwatch)
        if response.status == HTTPStatus.OK and not response.headers.get("Content-Type", "").startswith("text/html"):
            return reply
        with reply:
            body = await reply.whole(REFUSAL_LIMIT_BYTES)
            raise refusal(self.account, path, response.status, response.headers, body)

    async def _open(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeouts: ClientTimeout
    ) -> aiohttp.ClientResponse:
        url = self._urls.get(path) or self._urls.setdefault(path, URL(self.account.base_url + path))
        session = self.connections.session()
        started = monotonic()
        while True:
            try:
                # A redirect could carry the key to another host; no provider needs one.
                return await session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=timeouts,
                    proxy=self.account.proxy or None,
                    allow_redirects=False,
                )
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if monotonic() - started > STALE_CONNECTION_SECONDS:
                    raise
                started = float("-inf")

    def _timeout(self, total_seconds: float, *, streamed: bool) -> ClientTimeout:
        deadlines = self.account.deadlines
        return ClientTimeout(
            total=total_seconds,
            connect=min(deadlines.connect_seconds, total_seconds),
            sock_read=deadlines.first_token_seconds if streamed else None,
        )


class Reply:
    """A provider's answer that has begun, as a context: leaving it ends the call, if it has not ended."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        account: Account,
        connections: Connections,
        faults: Faults,
        stopwatch: Stopwatch,
    ) -> None:
        self._response = response
        self._account = account
        self._connections = connections
        self._faults = faults
        self._stopwatch = stopwatch
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._left:
            self._response.close()

    @property
    def media_type(self) -> str:
        """What the provider says that it sends, such as ``text/event-stream``."""
        return self._response.content_type

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer; their names in any case."""
        return self._response.headers

    async def whole(self, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
        """Return the whole body.

        Raises:
            ProviderFailed: The body breaks off, or is longer than *limit_bytes*.
            ProviderSlow: A deadline has passed.
        """
        parts: list[bytes] = []
        held = 0
        content = self._response.content
        with self._faults:
            while not content.at_eof():
                self._stopwatch.wait()
                part = await content.readany()
                self._stopwatch.go_on()
                held += len(part)
                if held > limit_bytes:
                    raise ProviderFailed(
                        f"{self._account.name} sent more than {limit_bytes} bytes",
                        provider=self._account.name,
                    )
                parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def payloads(self, cutter: Cutter) -> AsyncGenerator[list[bytes], None]:
        """Give the body's payloads as *cutter* finds them: what each read completes, never nothing.

        Raises:
            ProviderFailed: The body breaks off, or a line of it is overlong.
            ProviderSlow: A deadline has passed.
        """
        gap = self._account.deadlines.gap_seconds
        due = monotonic() + self._account.deadlines.first_token_seconds
        read = self._response.content.readany
        stopwatch = self._stopwatch
        first = True
        with self._faults:
            while True:
                stopwatch.wait()
                data = await read()
                stopwatch.go_on()
                if not data:
                    break
                if payloads := cutter.feed(data):
                    if first:
                        first = False
                        self.silent_at_most(gap)
                    yield payloads
                    due = monotonic() + gap
                elif monotonic() > due:
                    # Comments keep a connection alive, but are no answer.
                    raise TimeoutError
        if payloads := cutter.flush():
            yield payloads

    def silent_at_most(self, seconds: float) -> None:
        """From now on, take *seconds* without a byte as a failure."""
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = seconds

    def finished(self) -> None:
        """Say that what is left of the answer does not matter, so that the connection may be kept."""
        self._left = True
        self._connections.drain(self._response)
