"""The ports on which applications listen, on this machine alone."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from typing import Final

from hecate.dossiers.errors import Refused

HOST: Final = "127.0.0.1"
CHOSEN_FROM: Final = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections: one of these might have the port when its application is
started again, and whoever connects to a port from the same one talks to himself."""
ATTEMPTS = 100
SECONDS_BETWEEN_LOOKS = 0.05


def free_port() -> int:
    """Return a port on which nobody listens.

    Raises:
        Refused: None was found.
    """
    for _ in range(ATTEMPTS):
        port = secrets.choice(CHOSEN_FROM)
        with suppress(Refused):
            check_port(port)
            return port
    raise Refused(f"none of {ATTEMPTS} ports is free; name one")


def check_port(port: int) -> None:
    """Refuse a *port* that another listens on, or that we may not have.

    Raises:
        Refused: It is so.
    """
    with socket.socket() as attempt:
        # As servers do: a connection that has just ended there is no hindrance.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError as exc:
            raise Refused(f"port {port} cannot be had: {exc.strerror}") from exc


async def listens(port: int) -> None:
    """Return when somebody listens on *port*."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
