"""The HTTP side of a provider: sends a request, and gives its answer as a `hecate.serve_llm.reply.Reply`.

Every adapter goes through an `Upstream`, so what a broken connection, a silent provider or a
refusal means is decided once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import BytesPayload, ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from hecate.endpoints import current_stopwatch
from hecate.serve_llm.call_timer import CallTimer
from hecate.serve_llm.circuit import Circuit
from hecate.serve_llm.faults import FAULTS, failure_of
from hecate.serve_llm.refusals import refusal
from hecate.serve_llm.reply import Reply

if TYPE_CHECKING:
    from hecate.serve_llm.connections import Connections
    from hecate.serve_llm.providers.provider import Account

JSON: Final = "application/json"
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


def _joined(base_url: str, path: str) -> URL:
    return URL(base_url + path)
