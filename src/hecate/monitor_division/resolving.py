"""Finds where the names in checks' targets lead, and only where a check may go.

A name is looked at each time that it is resolved, whatever it has led to before; the connection is made to the
address that was looked at, not to the name.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from hecate.monitor_division.refused_addresses import is_refused

THREADS: Final = 8
"""Of our own: a resolver that hangs must not take the threads in which the daemon does everything else."""


class CheckedResolver(AbstractResolver):
    """Asks the system's resolver, and leaves out the addresses that no check asks."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hecate-resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            OSError: It has none, or none that may be asked.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host, port, family)
        allowed = [result for result in found if not is_refused(result["host"])]
        if not allowed:
            raise OSError(None, f"{host} leads to {found[0]['host']}, which no check may ask")
        return allowed

    async def close(self) -> None:
        """Wait for nobody: a thread that hangs ends when the system's resolver gives up."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise OSError(None, f"{host!r} is no host name") from exc
    return [
        ResolveResult(
            hostname=host,
            host=_with_scope(address),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
        for kind, _, protocol, _, address in found
    ]


def _with_scope(address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """Return the host of a socket's address, with the interface that an IPv6 one belongs to, if any."""
    host = str(address[0])
    scope = address[3] if len(address) == 4 else 0
    return f"{host}%{scope}" if scope and "%" not in host else host
