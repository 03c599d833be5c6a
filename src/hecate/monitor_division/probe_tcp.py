"""Polls over TCP: whether a connection can be made."""

from __future__ import annotations

import asyncio

from hecate.monitor_division.poll_result import PASSED, PollResult, failure, in_words
from hecate.monitor_division.resolving import CheckedResolver


class TcpProbe:
    """Polls any number of checks at the same time."""

    def __init__(self) -> None:
        self._resolver = CheckedResolver()

    async def close(self) -> None:
        """Let go of the resolver's threads."""
        await self._resolver.close()

    async def poll(self, host: str, port: int, *, timeout_seconds: float) -> PollResult:
        """Connect to *port* of *host*, and hang up.

        Raises:
            CannotPoll: No connection can be made at all.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._connect(host, port)
        except TimeoutError:
            return failure(f"no connection within {timeout_seconds:g} s", timed_out=True)
        except OSError as exc:
            return failure(f"cannot connect: {in_words(exc)}")

    async def _connect(self, host: str, port: int) -> PollResult:
        loop = asyncio.get_running_loop()
        error: OSError = OSError(None, f"{host} has no address")
        for result in await self._resolver.resolve(host, port):
            try:
                connection, _ = await loop.create_connection(asyncio.Protocol, result["host"], port)
            except OSError as exc:
                error = exc
            else:
                connection.abort()
                return PASSED
        raise error
