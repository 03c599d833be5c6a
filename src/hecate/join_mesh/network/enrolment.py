"""Letting a daemon into a realm: the keeper waits where its invitations say, and gives a certificate for one.

The guest has no certificate yet, so this is a TLS connection of its own.  The keeper shows its certificate and the
authority's; the guest knows the authority's fingerprint, and sends the secret only to whom that has certified.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog

from hecate.dossiers.errors import Invalid, Refused, Unavailable
from hecate.join_mesh.network.cards import PeerAddress
from hecate.join_mesh.network.certificates import checked_did, fingerprint
from hecate.join_mesh.network.did_key import LONGEST, has_signed
from hecate.join_mesh.network.identity import FILE_NAME, Identity
from hecate.join_mesh.network.invitation import Invitation
from hecate.join_mesh.network.realm import CERTIFICATE, Realm
from hecate.join_mesh.network.shutting_out import Statement
from hecate.join_mesh.refusals import Refusals

SECONDS: Final = 10.0
LONGEST_MESSAGE_BYTES: Final = 64 * 1024
AT_ONCE: Final = 16
LENGTH_BYTES: Final = 4
_DOMAIN: Final = b"hecate mesh enrolment 1\0"

log = structlog.get_logger(__name__)
_encode: Final = msgspec.msgpack.Encoder().encode


class Application(msgspec.Struct, frozen=True, array_like=True):
    """What a guest says."""

    did: str
    secret: bytes
    proof: bytes
    """That it has the key of *did*: its signature over what this connection alone has."""


class Admission(msgspec.Struct, frozen=True, array_like=True):
    """What the keeper answers; an error instead of a certificate."""

    realm: str
    certificate: bytes = b""
    addresses: tuple[PeerAddress, ...] = ()
    shut_out: tuple[Statement, ...] = ()
    """Who was shut out before: a newcomer must not be the one who lets them in again."""
    error: str = ""


_read_application: Final = msgspec.msgpack.Decoder(Application).decode
_read_admission: Final = msgspec.msgpack.Decoder(Admission).decode


class Door:
    """Where guests come in; open from `open` to `close`.

    Args:
        realm: Into which.
        addresses: Where peers connect, for the guest to know.
        use_invitation: Takes the hash of a secret and tells whether an invitation with it holds; then it is used up.
        shut_out: Tells who was shut out of the realm.
        refusals: Is told of those who have none.
        valid: How long a certificate holds.
    """

    def __init__(
        self,
        realm: Realm,
        addresses: tuple[str, ...],
        *,
        use_invitation: Callable[[bytes], Awaitable[bool]],
        shut_out: Callable[[], Awaitable[tuple[Statement, ...]]],
        refusals: Refusals,
        valid: timedelta,
    ) -> None:
        self._realm = realm
        self._addresses = addresses
        self._use_invitation = use_invitation
        self._shut_out = shut_out
        self._refusals = refusals
        self._valid = valid
        self._server: asyncio.Server | None = None
        self._inside = 0

    async def open(self, port: int) -> int:
        """Wait at *port*, 0 for any free one, and return which it is.

        Raises:
            Unavailable: Something else is there.
        """
        if self._server is None:
            folder = self._realm.folder
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(folder / CERTIFICATE, folder / FILE_NAME)
            try:
                self._server = await asyncio.start_server(self._meet, None, port, ssl=context, reuse_address=True)
            except OSError as exc:
                raise Unavailable(f"cannot wait for guests at port {port}: {exc.strerror}") from exc
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Let nobody in any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._inside >= AT_ONCE:
            writer.transport.abort()
            return
        self._inside += 1
        who = str(writer.get_extra_info("peername", ("unknown",))[0])
        try:
            async with asyncio.timeout(SECONDS):
                _send(writer, self._realm.authority)
                application = _read_application(await _receive(reader))
                _send(writer, _encode(await self._decide(application, who)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.DecodeError, Invalid) as exc:
            self._refusals.count("enrolment", who, f"a guest has not said what guests say: {exc!r}")
        finally:
            self._inside -= 1
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await writer.wait_closed()

    async def _decide(self, application: Application, who: str) -> Admission:
        proven = has_signed(application.did, application.proof, _to_prove(self._realm.certificate, application.secret))
        if not proven or not await self._use_invitation(sha256(application.secret).digest()):
            self._refusals.count("enrolment", who, f"{application.did[:LONGEST]} has no invitation that holds")
            return Admission(self._realm.name, error="this invitation was used already, was withdrawn, or has expired")
        certificate = self._realm.issue(application.did, self._valid)
        log.info("mesh let in", peer=application.did, address=who)
        return Admission(self._realm.name, certificate, self._addresses, await self._shut_out())


async def apply(invitation: Invitation, identity: Identity) -> tuple[bytes, Admission]:
    """Return the authority's certificate, PEM, and what the keeper has given for *invitation*.

    Raises:
        Unavailable: The keeper cannot be reached.
        Invalid: Who waits there is not the one who has invited.
        Refused: The invitation does not hold any more.
    """
    problems = []
    for place in invitation.places:
        try:
            async with asyncio.timeout(SECONDS):
                return await _apply_at(place, invitation, identity)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.DecodeError) as exc:
            problems.append(f"{place}: {str(exc) or type(exc).__name__}")
    raise Unavailable(f"the one who has invited cannot be reached: {'; '.join(problems)}")


async def _apply_at(place: str, invitation: Invitation, identity: Identity) -> tuple[bytes, Admission]:
    host, _, port = place.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Who is there is known by the fingerprint of the realm's authority, below, before anything secret is said.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    try:
        authority = await _receive(reader)
        if fingerprint(authority) != invitation.authority:
            raise Invalid(f"who waits at {place} is not of the realm of the invitation")
        tls: Any = writer.get_extra_info("ssl_object")
        certificate = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True)).encode()
        checked_did(certificate, authority)
        proof = identity.sign(_to_prove(certificate, invitation.secret))
        _send(writer, _encode(Application(identity.did, invitation.secret, proof)))
        admission = _read_admission(await _receive(reader))
    finally:
        writer.close()
    if admission.error:
        raise Refused(admission.error)
    return authority, admission


def _to_prove(certificate: bytes, secret: bytes) -> bytes:
    """Return what a guest signs: for this keeper and this invitation alone."""
    return _DOMAIN + fingerprint(certificate) + sha256(secret).digest()


def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(len(message).to_bytes(LENGTH_BYTES, "big") + message)


async def _receive(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if length > LONGEST_MESSAGE_BYTES:
        raise Invalid("a message of an enrolment is too long")
    return await reader.readexactly(length)
