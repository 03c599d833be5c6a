"""The HTTP side of a provider: sends a request, reads the answer, keeps the deadlines.

Every adapter goes through an `Upstream`, so what a broken connection, a silent provider or a
refusal means is decided once.  Leaving a reply, however that happens, ends the call at the
provider: the connection is closed unless the answer was read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

import aiohttp
from aiohttp import BytesPayload, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from hecate.endpoints import Stopwatch, current_stopwatch
from hecate.serve_llm.call_timer import CallTimer
from hecate.serve_llm.circuit import Circuit
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.faults import FAULTS, failure_of
from hecate.serve_llm.refusals import refusal

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.connections import Connections
    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.providers.provider import Account

JSON: Final = "application/json"
BODY_LIMIT_BYTES: Final = 32 * 1024 * 1024
REFUSAL_LIMIT_BYTES: Final = 64 * 1024
STALE_CONNECTION_SECONDS: Final = 1.0
"""A kept connection that the provider has closed meanwhile fails at once, not after this long."""
URLS_KEPT: Final = 64
"""Of an account: some providers have one for each model."""


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
        self._headers = CIMultiDict({**headers, **account.headers})
        self._headers_with_body = CIMultiDict({"Content-Type": JSON, **self._headers})
        self._url = lru_cache(URLS_KEPT)(partial(_joined, account.base_url))
        # All else is for the call's own timer: aiohttp's would be set anew for each chunk.
        self._timeouts = ClientTimeout(total=None, connect=account.deadlines.connect_seconds)

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
        deadlines = self.account.deadlines
        total_seconds = deadlines.total_seconds if seconds is None else seconds
        usual = self._headers if body is None else self._headers_with_body
        stopwatch = current_stopwatch()
        stopwatch.wait()
        try:
            with CallTimer(total_seconds, deadlines.first_token_seconds if streamed else None) as timer:
                response = await self._open(method, path, body, {**usual, **headers} if headers else usual)
        except FAULTS as exc:
            raise failure_of(exc, self.account, total_seconds) from exc
        finally:
            stopwatch.go_on()
        timer.watch(response.content)
        reply = Reply(response, self, timer, total_seconds, stopwatch)
        if response.status == HTTPStatus.OK and not response.headers.get("Content-Type", "").startswith("text/html"):
            return reply
        with reply:
            answer = await reply.whole(REFUSAL_LIMIT_BYTES)
            raise refusal(self.account, path, response.status, response.headers, answer)

    async def _open(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        session = self.connections.session()
        started = monotonic()
        while True:
            try:
                # A redirect could carry the key to another host; no provider needs one.
                return await session.request(
                    method,
                    self._url(path),
                    # Else aiohttp would look up what to make of it.
                    data=None if body is None else BytesPayload(body, content_type=JSON),
                    headers=headers,
                    timeout=self._timeouts,
                    proxy=self.account.proxy or None,
                    allow_redirects=False,
                )
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if monotonic() - started > STALE_CONNECTION_SECONDS:
                    raise
                started = float("-inf")


class Reply:
    """A provider's answer that has begun, as a context: leaving it ends the call, if it has not ended."""

    __slots__ = ("_begun", "_left", "_response", "_stopwatch", "_timer", "_total_seconds", "_upstream")

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        upstream: Upstream,
        timer: CallTimer,
        total_seconds: float,
        stopwatch: Stopwatch,
    ) -> None:
        self._response = response
        self._upstream = upstream
        self._timer = timer
        self._total_seconds = total_seconds
        self._stopwatch = stopwatch
        self._begun = False
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.stop()
        # One that has been read to its end has given its connection back.
        if not self._left and not self._response.closed:
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
        try:
            while not content.at_eof():
                self._stopwatch.wait()
                part = await content.readany()
                self._stopwatch.go_on()
                held += len(part)
                if held > limit_bytes:
                    name = self._upstream.account.name
                    raise ProviderFailed(f"{name} sent more than {limit_bytes} bytes", provider=name)
                parts.append(part)
        except FAULTS as exc:
            raise failure_of(exc, self._upstream.account, self._total_seconds) from exc
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def payloads(self, cutter: Cutter) -> list[bytes]:
        """Return the payloads that *cutter* finds in what comes next: at least one, or none if the body has ended.

        Raises:
            ProviderFailed: The body breaks off, or a line of it is overlong.
            ProviderSlow: A deadline has passed; comments keep a connection alive, but are no answer.
        """
        body, timer = self._response.content, self._timer
        timer.waiting_since = monotonic()
        if not self._begun:
            self._stopwatch.wait()
        try:
            while data := await body.readany():
                if payloads := cutter.feed(data):
                    timer.waiting_since = None
                    if not self._begun:
                        self._begin()
                    return payloads
        except FAULTS as exc:
            raise failure_of(exc, self._upstream.account, self._total_seconds) from exc
        return cutter.flush()

    def silent_at_most(self, seconds: float) -> None:
        """From now on, take *seconds* without a payload as a failure."""
        self._timer.silent_at_most(seconds)

    def finished(self) -> None:
        """Say that what is left of the answer does not matter, so that the connection may be kept."""
        self._left = True
        self._upstream.connections.drain(self._response)

    def _begin(self) -> None:
        """Note that the first payloads are there: what follows is no overhead of a call, and may be slow by a gap."""
        self._begun = True
        self._stopwatch.go_on()
        self._timer.silent_at_most(self._upstream.account.deadlines.gap_seconds)


def _joined(base_url: str, path: str) -> URL:
    return URL(base_url + path)
