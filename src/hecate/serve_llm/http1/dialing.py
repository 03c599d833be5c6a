"""Makes connections: finds the addresses, asks the proxy, shakes hands over TLS."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aiohappyeyeballs import start_connection

from hecate.serve_llm.addresses import addresses_of
from hecate.serve_llm.http1.connection import Connection
from hecate.serve_llm.http1.failures import CannotConnect, CertificateNotTrusted, ConnectingTooLong
from hecate.serve_llm.http1.origin import Origin, basic

if TYPE_CHECKING:
    from yarl import URL

NEXT_ADDRESS_SECONDS: Final = 0.25
"""How long an address is waited for before the host's next one is tried beside it (RFC 8305)."""
PROXY_ANSWER_LIMIT_BYTES: Final = 16 * 1024

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class Dialer:
    """Makes connections to any origin; one trust store for all of them, read when it is first needed."""

    def __init__(self) -> None:
        self._trust: ssl.SSLContext | None = None

    async def connect(self, origin: Origin, seconds: float, lost: Callable[[Connection], None]) -> Connection:
        """Return a new connection to *origin*.

        Args:
            origin: Where to.
            seconds: How long it may take.
            lost: Is told when the connection is gone.

        Raises:
            CannotConnect: Nobody takes it.
            CertificateNotTrusted: Somebody else may have taken it.
            ConnectingTooLong: It does not stand in time.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._connect(origin, lost)
        except TimeoutError as exc:
            raise ConnectingTooLong from exc
        except ssl.SSLCertVerificationError as exc:
            raise CertificateNotTrusted(exc.verify_message) from exc
        except (OSError, ValueError) as exc:
            raise CannotConnect(_in_words(exc)) from exc

    async def _connect(self, origin: Origin, lost: Callable[[Connection], None]) -> Connection:
        trust = await self._trusted() if origin.scheme == "https" else None
        loop = asyncio.get_running_loop()
        infos = await _infos(*origin.next_hop)
        connected = await start_connection(infos, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1)
        try:
            # A call may be silent for minutes; what lies between must not forget it.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if origin.proxy is not None:
                await _ask_proxy(connected, origin, origin.proxy)
            _, connection = await loop.create_connection(
                lambda: Connection(lost),
                sock=connected,
                ssl=trust,
                server_hostname=origin.host if trust is not None else None,
            )
        except BaseException:
            connected.close()
            raise
        return connection

    async def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            # In a thread: it reads hundreds of certificates.
            self._trust = await asyncio.to_thread(ssl.create_default_context)
            self._trust.set_alpn_protocols(["http/1.1"])
        return self._trust


async def _infos(host: str, port: int) -> list[AddressInfo]:
    """Return the addresses of *host* as `start_connection` wants them."""
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
        if ":" in address
        else (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in await addresses_of(host)
    ]


async def _ask_proxy(connected: socket.socket, origin: Origin, proxy: URL) -> None:
    """Have *proxy* pass on everything that follows, if it must not read it.

    Raises:
        OSError: It does not, or cannot be asked.
    """
    if proxy.scheme != "http":
        raise OSError(None, f"a proxy must be reached over http, not {proxy.scheme}")
    if not origin.is_tunnelled:
        return
    request = f"CONNECT {origin.authority} HTTP/1.1\r\nHost: {origin.authority}\r\n"
    if proxy.user is not None:
        request += f"Proxy-Authorization: {basic(proxy)}\r\n"
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connected, f"{request}\r\n".encode())
    answer = b""
    # It sends nothing of its own after its head: the next to speak are we.
    while not answer.endswith(b"\r\n\r\n"):
        piece = await loop.sock_recv(connected, 4096)
        answer += piece
        if not piece or len(answer) > PROXY_ANSWER_LIMIT_BYTES:
            raise OSError(None, "the proxy has closed the connection")
    status_line = answer.partition(b"\r\n")[0].decode("latin-1")
    if status_line.split(" ")[1:2] != ["200"]:
        raise OSError(None, f"the proxy answers {status_line!r}")


def _in_words(error: Exception) -> str:
    """Return the system's words for *error*; a failed look-up of a name has negative numbers of its own."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    return str(error)
