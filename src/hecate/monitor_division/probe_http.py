"""Polls over HTTP: one GET on a connection of its own, no redirects, and no more of the answer than is needed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from hecate import __version__
from hecate.monitor_division.poll_result import PASSED, PollResult, failure, in_words
from hecate.monitor_division.refused_addresses import is_refused
from hecate.monitor_division.resolving import CheckedResolver

BODY_BYTES: Final = 64 * 1024
"""How much of a body is looked at; an endless one ends here."""
QUOTED_BYTES: Final = 80
"""How much of a body that is not the expected one is quoted."""
RESOLVED_SECONDS: Final = 10
"""How long the address of a name is known."""


class ConnectionFailed(Exception):
    """The connection could not be made, or broke before an answer came; the message says which."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send *request* one time only: aiohttp would repeat a GET whose connection broke, and so hide that it did."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError as exc:
        raise ConnectionFailed(f"cannot connect: {in_words(exc.os_error)}") from exc
    except aiohttp.ClientOSError as exc:
        raise ConnectionFailed(f"the connection broke: {in_words(exc)}") from exc
    except aiohttp.ServerDisconnectedError as exc:
        raise ConnectionFailed("the connection was closed before an answer came") from exc


class HttpProbe:
    """Polls any number of checks at the same time; a context manager."""

    def __init__(self) -> None:
        self._resolver = CheckedResolver()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                # How many there are at once is the poller's to say.
                limit=0,
                # A new connection each time: whether one can be made is part of the question.
                force_close=True,
                ttl_dns_cache=RESOLVED_SECONDS,
                resolver=self._resolver,
            ),
            middlewares=(once,),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": f"hecate/{__version__}"},
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def poll(
        self, url: str, *, timeout_seconds: float, expected_status: int, expected_body: str = ""
    ) -> PollResult:
        """Ask for *url*, and say whether the answer is the expected one.

        Raises:
            CannotPoll: No connection can be made at all.
        """
        host = urlsplit(url).hostname or ""
        # An address in the URL is not resolved, so the resolver does not look at it.
        if is_refused(host):
            return failure(f"no check may ask {host}")
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._ask(url, expected_status, expected_body)
        except TimeoutError:
            return failure(f"no answer within {timeout_seconds:g} s", timed_out=True)
        except ConnectionFailed as exc:
            return failure(str(exc))
        except aiohttp.ClientResponseError as exc:
            return failure(f"the answer is no HTTP: {exc.message}")
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            return failure(f"the answer broke off: {exc}")

    async def _ask(self, url: str, expected_status: int, expected_body: str) -> PollResult:
        assert self._session is not None  # noqa: S101 - the context was entered
        response = await self._session.get(url, allow_redirects=False)
        try:
            if response.status != expected_status:
                return failure(f"status {response.status} instead of {expected_status}")
            if not expected_body:
                return PASSED
            wanted, body = expected_body.encode(), b""
            while wanted not in body:
                if len(body) >= BODY_BYTES:
                    return failure(f"the body's first {BODY_BYTES // 1024} KiB do not contain what is expected")
                piece = await response.content.read(BODY_BYTES - len(body))
                if not piece:
                    begin = body[:QUOTED_BYTES].decode(errors="replace")
                    return failure(f"the body does not contain what is expected; it begins with {begin!r}")
                body += piece
            return PASSED
        finally:
            # The rest is not read: the connection is not used again.
            response.close()
