"""X.509 for the links of a realm: a certificate authority, and for each daemon a certificate that bears its name.

The authority and the daemons have Ed25519 keys.  Who shows a certificate of the authority is in the realm; the
common name is the daemon's ``did:key``, and the certificate's key is the very key that this names.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.network.did_key import did_of, public_key_of

AUTHORITY_DAYS: Final = 3650
CLOCKS_APART: Final = timedelta(minutes=5)
"""How far the clock of a daemon that is let in may be behind."""


def authority_certificate(key: Ed25519PrivateKey, realm: str) -> bytes:
    """Return the certificate, PEM, of the authority of *realm*, signed by itself."""
    name = _name(f"Hecate realm {realm}"[:64])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    unsigned = (
        _begun(name, name, key.public_key(), timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return unsigned.sign(key, None).public_bytes(Encoding.PEM)


def daemon_certificate(authority: bytes, key: Ed25519PrivateKey, did: str, valid: timedelta) -> bytes:
    """Return a certificate, PEM, for the daemon *did*, by the *authority* whose key is *key*.

    Raises:
        Invalid: *did* is no name of a daemon.
    """
    public_key = Ed25519PublicKey.from_public_bytes(public_key_of(did))
    issuer = x509.load_pem_x509_certificate(authority).subject
    both_ways = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    unsigned = (
        _begun(_name(did), issuer, public_key, valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(both_ways, critical=False)
        # A certificate must name a host; which one is of no account, since daemons are known by their keys.
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hecate.invalid")]), critical=False)
    )
    return unsigned.sign(key, None).public_bytes(Encoding.PEM)


def fingerprint(certificate: bytes) -> bytes:
    """Return SHA-256 over *certificate*, PEM: 32 bytes.

    Raises:
        Invalid: It is no certificate.
    """
    return _loaded(certificate).fingerprint(SHA256())


def is_key_of(key: Ed25519PrivateKey, certificate: bytes) -> bool:
    """Return whether *certificate*, PEM, is for *key*.

    Raises:
        Invalid: It is no certificate.
    """
    public_key = _loaded(certificate).public_key()
    ours = key.public_key().public_bytes_raw()
    return isinstance(public_key, Ed25519PublicKey) and public_key.public_bytes_raw() == ours


def expires_at(certificate: bytes) -> datetime:
    """Return when *certificate*, PEM, is no longer valid.

    Raises:
        Invalid: It is no certificate.
    """
    return _loaded(certificate).not_valid_after_utc


def holds_now(certificate: bytes) -> bool:
    """Tell whether *certificate*, PEM, is neither too old nor too new for this machine's clock.

    Raises:
        Invalid: It is no certificate.
    """
    return _holds_now(_loaded(certificate))


def checked_did(certificate: bytes, authority: bytes) -> str:
    """Return whose *certificate*, PEM, is, if *authority* has issued it, it is valid now and bears its key's name.

    Raises:
        Invalid: It is not so.
    """
    issued, issuer = _loaded(certificate), _loaded(authority)
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature) as exc:
        raise Invalid("the certificate is not of this realm's authority") from exc
    if not _holds_now(issued):
        raise Invalid("the certificate is not valid now; are both clocks right?")
    key = issued.public_key()
    names = issued.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not isinstance(key, Ed25519PublicKey) or [name.value for name in names] != [did_of(key.public_bytes_raw())]:
        raise Invalid("the certificate does not bear its key's name")
    return did_of(key.public_bytes_raw())


def _holds_now(issued: x509.Certificate) -> bool:
    return issued.not_valid_before_utc <= datetime.now(UTC) <= issued.not_valid_after_utc


def _loaded(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as exc:
        raise Invalid(f"this is no certificate: {exc}") from exc


def _begun(subject: x509.Name, issuer: x509.Name, key: Ed25519PublicKey, valid: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + valid)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
