"""A realm as it is kept in files: whose authority is trusted, this daemon's certificate, where others were last seen.

The founder's folder has the authority's key besides: only there can somebody be let in or shut out.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hecate.dossiers.errors import Invalid, Refused, Unavailable
from hecate.join_mesh.network.certificates import (
    authority_certificate,
    checked_did,
    daemon_certificate,
    fingerprint,
    holds_now,
    is_key_of,
)
from hecate.join_mesh.network.identity import Identity, kept_key, private_pem, write_private
from hecate.join_mesh.settings import REALM_FILE

AUTHORITY: Final = "authority.pem"
AUTHORITY_KEY: Final = "authority.key"
CERTIFICATE: Final = "certificate.pem"
CERTIFICATE_DAYS: Final = 365


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """What ``realm.json`` says."""

    realm: str
    addresses: tuple[str, ...] = ()
    """Where the daemon that has let this one in can be reached, as zenoh writes it: ``tls/10.0.0.7:7447``."""


class Realm:
    """The realm that this daemon is in.

    Args:
        folder: With the files.
        identity: This daemon's.
        membership: What ``realm.json`` says.
    """

    def __init__(self, folder: Path, identity: Identity, membership: Membership) -> None:
        self.folder = folder
        self.identity = identity
        self.name = membership.realm
        self.addresses = membership.addresses
        self.authority = _read(folder / AUTHORITY)
        self.certificate = _read(folder / CERTIFICATE)
        self.fingerprint = fingerprint(self.authority).hex()
        if checked_did(self.certificate, self.authority) != identity.did:
            raise Invalid(f"{folder / CERTIFICATE} is another daemon's")

    @classmethod
    def kept_in(cls, folder: Path) -> Self | None:
        """Return the realm that *folder* tells of, or None.

        A keeper that was away for so long that its own certificate has expired issues itself another.

        Raises:
            Unavailable: A file cannot be read, or not be written.
            Invalid: The files are not what they should be, or the certificate has expired.
        """
        if not (folder / REALM_FILE).exists():
            return None
        try:
            membership = msgspec.json.decode(_read(folder / REALM_FILE), type=Membership)
        except msgspec.DecodeError as exc:
            raise Invalid(f"{folder / REALM_FILE} is damaged: {exc}") from exc
        identity = Identity.kept_in(folder)
        _renew_own(folder, identity)
        return cls(folder, identity, membership)

    @property
    def is_keeper(self) -> bool:
        """Whether this daemon has the authority's key, so that it can let others in."""
        return (self.folder / AUTHORITY_KEY).exists()

    @property
    def namespace(self) -> str:
        """What all keys of the realm begin with; two realms of one name do not meet."""
        return f"hecate/v1/{self.fingerprint[:16]}"

    def authority_key(self) -> Ed25519PrivateKey:
        """Return the authority's key.

        Raises:
            Refused: This daemon is not a keeper of the realm.
            Invalid: The key in its file is another authority's.
        """
        if not self.is_keeper:
            raise Refused(f"only a keeper of realm {self.name!r} can let others in or shut them out")
        key = kept_key(self.folder / AUTHORITY_KEY)
        if not is_key_of(key, self.authority):
            raise Invalid(f"{self.folder / AUTHORITY_KEY} is not the key of realm {self.name!r}")
        return key

    def issue(self, did: str, valid: timedelta = timedelta(days=CERTIFICATE_DAYS)) -> bytes:
        """Return a certificate, PEM, for the daemon *did*.

        Raises:
            Refused: This daemon is not a keeper of the realm.
            Invalid: *did* is no name of a daemon, or the authority's key is not the realm's.
        """
        return daemon_certificate(self.authority, self.authority_key(), did, valid)


def found_realm(folder: Path, name: str) -> Realm:
    """Begin a realm, of which this daemon is the keeper and the only member.

    Raises:
        Refused: The daemon is in a realm already.
        Unavailable: The files cannot be written.
    """
    _refuse_second(folder)
    identity = Identity.kept_in(folder)
    key = Ed25519PrivateKey.generate()
    authority = authority_certificate(key, name)
    certificate = daemon_certificate(authority, key, identity.did, timedelta(days=CERTIFICATE_DAYS))
    _write(folder, {AUTHORITY_KEY: private_pem(key)})
    return _enter(folder, identity, Membership(realm=name), authority, certificate)


def enter_realm(
    folder: Path, identity: Identity, membership: Membership, authority: bytes, certificate: bytes
) -> Realm:
    """Keep what the keeper of a realm has given this daemon.

    Raises:
        Refused: The daemon is in a realm already.
        Invalid: The certificate is not this daemon's.
        Unavailable: The files cannot be written.
    """
    _refuse_second(folder)
    if checked_did(certificate, authority) != identity.did:
        raise Invalid("the certificate is another daemon's")
    return _enter(folder, identity, membership, authority, certificate)


def keep_certificate(realm: Realm, certificate: bytes) -> None:
    """Keep a new certificate of this daemon in place of the one that expires.

    Raises:
        Invalid: It is not this daemon's, or not of the realm's authority.
        Unavailable: It cannot be written.
    """
    if checked_did(certificate, realm.authority) != realm.identity.did:
        raise Invalid("the certificate is another daemon's")
    _write(realm.folder, {CERTIFICATE: certificate})


def leave_realm(folder: Path) -> None:
    """Forget the realm, and its authority's key if this daemon has it; the identity stays.

    Raises:
        Unavailable: The files cannot be deleted.
    """
    try:
        # The realm first: without it the others mean nothing.
        for name in (REALM_FILE, CERTIFICATE, AUTHORITY, AUTHORITY_KEY):
            (folder / name).unlink(missing_ok=True)
    except OSError as exc:
        raise Unavailable(f"cannot delete the realm's files in {folder}: {exc.strerror}") from exc


def _enter(folder: Path, identity: Identity, membership: Membership, authority: bytes, certificate: bytes) -> Realm:
    # The realm last: it says that the others are there.
    files = {AUTHORITY: authority, CERTIFICATE: certificate, REALM_FILE: msgspec.json.encode(membership)}
    _write(folder, files)
    return Realm(folder, identity, membership)


def _renew_own(folder: Path, identity: Identity) -> None:
    """Have a keeper's certificate hold now; also one of a time when the clock was far ahead."""
    if not (folder / AUTHORITY_KEY).exists() or holds_now(_read(folder / CERTIFICATE)):
        return
    key, authority = kept_key(folder / AUTHORITY_KEY), _read(folder / AUTHORITY)
    if is_key_of(key, authority):
        certificate = daemon_certificate(authority, key, identity.did, timedelta(days=CERTIFICATE_DAYS))
        _write(folder, {CERTIFICATE: certificate})


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        for name, content in files.items():
            write_private(folder / name, content)
    except OSError as exc:
        raise Unavailable(f"cannot keep the realm in {folder}: {exc.strerror}") from exc


def _refuse_second(folder: Path) -> None:
    if (folder / REALM_FILE).exists():
        raise Refused("this daemon is in a realm already; `hecate mesh leave` first")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise Unavailable(f"cannot read {path}: {exc.strerror}") from exc
