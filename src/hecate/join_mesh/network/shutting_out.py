"""Shutting a daemon out of a realm: a statement that the authority has signed, and that every daemon passes on."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hecate.dossiers.errors import Refused
from hecate.dossiers.event_store import now_milliseconds
from hecate.join_mesh.mesh_store import MeshStore, shut_out
from hecate.join_mesh.network.realm import Realm

Statement = tuple[str, int, bytes]
"""Who is shut out, since when (milliseconds since 1970, UTC), and the authority's signature."""

_DOMAIN: Final = "hecate mesh shut out 1"


def shut_out_by(realm: Realm, did: str) -> Statement:
    """Return the statement that *did* is shut out of *realm* from now on.

    Raises:
        Refused: This daemon is not a keeper of the realm, or would shut itself out.
        Invalid: The authority's key here is not the realm's.
    """
    key = realm.authority_key()
    if did == realm.identity.did:
        raise Refused("the keeper of a realm cannot shut itself out")
    at = now_milliseconds()
    return did, at, key.sign(_text(realm, did, at))


def holds(realm: Realm, statement: Statement) -> bool:
    """Return whether the authority of *realm* has made *statement*."""
    did, at, signature = statement
    key = x509.load_pem_x509_certificate(realm.authority).public_key()
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(signature, _text(realm, did, at))
    except InvalidSignature:
        return False
    return True


async def shut_out_of(realm: Realm, store: MeshStore) -> tuple[Statement, ...]:
    """Return what *store* has of those that are shut out of *realm*; of another realm they may have been before."""
    return tuple(one for one in await store.run(shut_out) if holds(realm, one))


def _text(realm: Realm, did: str, at: int) -> bytes:
    return f"{_DOMAIN}\0{realm.fingerprint}\0{did}\0{at}".encode()
