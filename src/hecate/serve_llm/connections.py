"""The gateway's pool of connections to all providers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp

from hecate.serve_llm.addresses import Resolver

DRAIN_SECONDS = 1.0
"""How long to wait for the end of an answer whose end mark has been read."""
DRAIN_LIMIT_BYTES = 64 * 1024
KEPT_SECONDS = 30.0
"""How long an idle connection is kept; most servers close theirs after 60 s or more."""


class Connections:
    """One client session, made on first use."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._draining: set[asyncio.Task[None]] = set()

    def session(self) -> aiohttp.ClientSession:
        """Return the session; to be called where a loop is running."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No limit: a call that waits for another's connection would look like a slow provider.
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=KEPT_SECONDS, ttl_dns_cache=300, resolver=Resolver()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # gzip would only hold pieces of a stream back.
                headers={"Accept-Encoding": "identity", "User-Agent": "hecate"},
                # Proxies are looked up once per account: never for an address of this machine.
                trust_env=False,
            )
        return self._session

    def drain(self, response: aiohttp.ClientResponse) -> None:
        """Read *response* to its end in the background, so that its connection may be used again."""
        if response.content.is_eof():
            response.release()
            return
        task = asyncio.get_running_loop().create_task(_read_out(response))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def close(self) -> None:
        """Close every connection; whoever still waits for an answer sees it break off."""
        for task in self._draining:
            task.cancel()
        await asyncio.gather(*self._draining, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _read_out(response: aiohttp.ClientResponse) -> None:
    left = DRAIN_LIMIT_BYTES
    try:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and (data := await response.content.readany()):
                    left -= len(data)
    finally:
        response.close()
