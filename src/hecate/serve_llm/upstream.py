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
from aiohttp import ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from hecate.endpoints import current_stopwatch
from hecate.serve_llm.call_timer import CallTimer
from hecate.serve_llm.circuit import Circuit
from hecate.serve_llm.faults import FAULTS, failure_of
from hecate.serve_llm.prepared_posts import POST, PreparedPosts
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
        # All else is for the call's own timer: aiohttp's would be set anew for each chunk.
        self._timeouts = ClientTimeout(total=None, connect=account.deadlines.connect_seconds)
        self._is_direct = not account.proxy and URL(account.base_url).raw_user is None
        self._posts = lru_cache(URLS_KEPT)(partial(_posts, account.base_url, self._headers_with_body, self._timeouts))

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
        stopwatch = current_stopwatch()
        stopwatch.wait()
        try:
            with CallTimer(total_seconds, deadlines.first_token_seconds if streamed else None) as timer:
                response = await self._open(method, path, body, headers)
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
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> aiohttp.ClientResponse:
        started = monotonic()
        while True:
            try:
                if self._is_direct and body is not None and method == POST:
                    return await self._posts(self.connections.session(), path).send(body, headers)
                return await self._asked_by_session(method, path, body, headers)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if monotonic() - started > STALE_CONNECTION_SECONDS:
                    raise
                started = float("-inf")

    async def _asked_by_session(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> aiohttp.ClientResponse:
        all_headers = (self._headers if body is None else self._headers_with_body).copy()
        all_headers.update(headers or {})
        return await self.connections.session().request(
            method,
            self.account.base_url + path,
            data=body,
            headers=all_headers,
            timeout=self._timeouts,
            proxy=self.account.proxy or None,
            # One could carry the key to another host; no provider needs one.
            allow_redirects=False,
        )


def _posts(
    base_url: str, headers: Mapping[str, str], timeouts: ClientTimeout, session: aiohttp.ClientSession, path: str
) -> PreparedPosts:
    return PreparedPosts(session, URL(base_url + path), headers, timeouts)
