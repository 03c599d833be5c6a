"""Whether a daemon of the realm answers at an address: asked without a session, and without disturbing anybody's."""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import closing
from typing import Any, Final

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.network.certificates import checked_did
from hecate.join_mesh.network.identity import FILE_NAME
from hecate.join_mesh.network.realm import CERTIFICATE, Realm

SECONDS: Final = 1.5
SMALLEST_DATAGRAM: Final = 1200
"""QUIC answers no smaller first one (RFC 9000, 14.1)."""
NO_VERSION: Final = bytes.fromhex("0a0a0a0a")
"""Reserved, so that every server answers with the versions that it has (RFC 9000, 15)."""
ID_BYTES: Final = 8


class Probes:
    """Asks in the name of a member of *realm*."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Daemons are known by their keys, and these by the realm's authority: below.
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.load_cert_chain(realm.folder / CERTIFICATE, realm.folder / FILE_NAME)

    async def answers(self, address: str) -> bool:
        """Return whether somebody answers at *address*, as zenoh writes it.

        Over TLS that is another daemon of the realm for sure; over QUIC it is said by anybody who speaks QUIC.
        """
        protocol, _, place = address.partition("/")
        host, _, port = place.rpartition(":")
        ask = self._answers_tls if protocol == "tls" else _answers_quic
        try:
            async with asyncio.timeout(SECONDS):
                return await ask(host.strip("[]"), int(port))
        except (OSError, TimeoutError, Invalid):
            return False

    async def _answers_tls(self, host: str, port: int) -> bool:
        _, writer = await asyncio.open_connection(host, port, ssl=self._context)
        try:
            tls: Any = writer.get_extra_info("ssl_object")
            certificate = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
            return checked_did(certificate.encode(), self._realm.authority) != self._realm.identity.did
        finally:
            writer.transport.abort()


async def _answers_quic(host: str, port: int) -> bool:
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_datagram_endpoint(_Answer, remote_addr=(host, port))
    with closing(transport):
        first = b"\xc0" + NO_VERSION + bytes([ID_BYTES]) + os.urandom(ID_BYTES) + bytes([0])
        transport.sendto(first.ljust(SMALLEST_DATAGRAM, b"\0"))
        return await answer.came


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def datagram_received(self, _data: bytes, _address: object) -> None:
        if not self.came.done():
            self.came.set_result(True)

    def error_received(self, _error: Exception) -> None:
        # Nobody has that port.
        if not self.came.done():
            self.came.set_result(False)
