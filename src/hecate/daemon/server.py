"""Serves an ASGI application on a socket that we bound, and stops without dropping a request.

uvicorn's own `Server` wakes up ten times a second, takes over the signals and raises SIGTERM
again when it is done; its HTTP protocol is what we use.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import Final

import structlog
from uvicorn.config import Config

from hecate.daemon.http_protocol import Connections, Patience, PeerHttpProtocol
from hecate.daemon.request_log import Application, RequestLog
from hecate.daemon.unix_socket import BACKLOG

KEEP_ALIVE_SECONDS: Final = 30
"""How long a connection may be idle.  Pools of clients see it closed and open another."""
UNREAD_SECONDS: Final = 3.0
"""How long, in a stop, an answer may lie unread before its connection is cut off."""
DRAIN_SECONDS: Final = 25.0
"""How long requests that are under way may take after the stop began."""

PATIENCE: Final = Patience()

OTHER_FILES: Final = 64
"""File descriptors that connections must leave for the store, the providers and child processes."""
MOST_FILES: Final = 65536

log = structlog.get_logger(__name__)


class Server:
    """One ASGI application behind one listening socket.

    Args:
        application: Answers the requests.
        patience: With callers that do not finish what they send.
        limit: How many connections there may be; None: as many as open files allow.
    """

    def __init__(self, application: Application, *, patience: Patience = PATIENCE, limit: int | None = None) -> None:
        self._config = Config(
            RequestLog(application),
            http=PeerHttpProtocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._connections = Connections(connection_limit() if limit is None else limit, patience)
        self._listening: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Accept connections on *listener*, which is bound, from now on."""
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: PeerHttpProtocol(self._config, self._connections), sock=listener, backlog=BACKLOG
        )

    async def drain(self, seconds: float = DRAIN_SECONDS, unread_seconds: float = UNREAD_SECONDS) -> None:
        """Accept nothing more, and let what is under way finish, or cancel it after *seconds*."""
        connections = self._connections
        if self._listening is not None:
            self._listening.close()
        for connection in tuple(connections.connections):
            # Idle ones close at once, the others after their answer.
            connection.shutdown()
        unread = asyncio.create_task(self._cut_off_unread(unread_seconds))
        try:
            async with asyncio.timeout(seconds):
                while connections.connections:
                    connections.none_left.clear()
                    await connections.none_left.wait()
                await _finished(connections.tasks)
        except TimeoutError:
            log.warning("requests cut off", requests=len(connections.tasks), after_seconds=seconds)
            for task in tuple(connections.tasks):
                task.cancel()
            await _finished(connections.tasks)
            for connection in tuple(connections.connections):
                connection.transport.abort()
        finally:
            unread.cancel()

    async def _cut_off_unread(self, seconds: float) -> None:
        """Cut off whoever takes nothing of an answer for *seconds*: nobody waits for its end."""
        unread = {
            connection: connection.transport.get_write_buffer_size()
            for connection in self._connections.connections
            if isinstance(connection, PeerHttpProtocol) and connection.flow.write_paused
        }
        await asyncio.sleep(seconds)
        for connection, size in unread.items():
            if connection in self._connections.connections and connection.transport.get_write_buffer_size() == size:
                connection.transport.abort()


def connection_limit() -> int:
    """Raise the process's limit of open files as far as it may be, and return the share of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MOST_FILES) if hard != resource.RLIM_INFINITY else MOST_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    files = MOST_FILES if soft == resource.RLIM_INFINITY else soft
    return max(files - OTHER_FILES, files // 2)


async def _finished(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tuple(tasks))
