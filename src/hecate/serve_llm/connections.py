"""The gateway's pool of connections to all providers."""

from __future__ import annotations

import asyncio
from typing import Final

from hecate.serve_llm.http1.connection import Connection
from hecate.serve_llm.http1.dialing import Dialer
from hecate.serve_llm.http1.origin import Origin

DRAIN_SECONDS: Final = 1.0
"""How long to wait for the end of an answer whose end mark has been read."""
DRAIN_LIMIT_BYTES: Final = 64 * 1024
KEPT_SECONDS: Final = 30.0
"""How long an idle connection is kept; most servers close theirs after 60 s or more."""


class Connections:
    """Every connection that is open, the idle ones by their origin.

    There is no limit: a call that waits for another's connection would look like a slow provider.
    """

    def __init__(self) -> None:
        self._dialer = Dialer()
        self._origins: dict[Connection, Origin] = {}
        self._idle: dict[Origin, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def kept(self, origin: Origin) -> Connection | None:
        """Return an idle connection to *origin*, if there is one: the last that was used."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
            connection.close()
        return None

    async def dialled(self, origin: Origin, seconds: float) -> Connection:
        """Return a new connection to *origin*, which must stand within *seconds*.

        Raises:
            HttpFailure: It does not.
        """
        connection = await self._dialer.connect(origin, seconds, self._forget)
        self._origins[connection] = origin
        return connection

    def leave(self, connection: Connection, *, wait: bool) -> None:
        """Keep *connection* if its answer is complete, or, if *wait*, soon will be; else close it."""
        if connection.is_reusable:
            self._keep(connection)
        elif wait and not connection.is_complete:
            connection.discard_rest(DRAIN_SECONDS, DRAIN_LIMIT_BYTES, self._keep_or_close)
        else:
            connection.close()

    async def close(self) -> None:
        """Close every connection; whoever still waits for an answer sees it break off."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in tuple(self._origins):
            connection.close()
        # The event loop tells of a closed connection in its next turn.
        await asyncio.sleep(0)

    def _keep(self, connection: Connection) -> None:
        origin = self._origins.get(connection)
        if origin is None:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(origin, []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(KEPT_SECONDS, self._close_old)

    def _keep_or_close(self, connection: Connection) -> None:
        self.leave(connection, wait=False)

    def _forget(self, connection: Connection) -> None:
        origin = self._origins.pop(connection, None)
        if origin is not None and connection in (idle := self._idle.get(origin, [])):
            idle.remove(connection)

    def _close_old(self) -> None:
        """Close what has been idle for `KEPT_SECONDS`, and look again when the next will have been."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        newest_too_old = loop.time() - KEPT_SECONDS
        for origin, idle in tuple(self._idle.items()):
            for connection in [one for one in idle if one.idle_since <= newest_too_old]:
                idle.remove(connection)
                connection.close()
            if not idle:
                del self._idle[origin]
        if self._idle:
            oldest = min(idle[0].idle_since for idle in self._idle.values())
            self._sweep = loop.call_at(oldest + KEPT_SECONDS, self._close_old)
