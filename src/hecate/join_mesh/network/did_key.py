"""``did:key``: the name of a daemon in the mesh is its public key, so that nobody else can have it.

https://w3c-ccg.github.io/did-key-spec/: ``did:key:z`` and, in base 58, the bytes ED 01 and the Ed25519 key.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hecate.dossiers.errors import Invalid

PREFIX: Final = "did:key:z"
ED25519: Final = b"\xed\x01"
ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LONGEST: Final = 64
"""Characters of a name, with room to spare: those of an Ed25519 key have 56."""


def did_of(public_key: bytes) -> str:
    """Return the name of the daemon with the Ed25519 key *public_key*, 32 bytes."""
    return PREFIX + _base58(ED25519 + public_key)


def public_key_of(did: str) -> bytes:
    """Return the Ed25519 key, 32 bytes, that *did* names.

    Raises:
        Invalid: It is no name of a daemon.
    """
    if did.startswith(PREFIX) and len(did) <= LONGEST:
        number = 0
        for character in did.removeprefix(PREFIX):
            digit = ALPHABET.find(character)
            if digit < 0:
                break
            number = number * 58 + digit
        else:
            key = number.to_bytes(48, "big").lstrip(b"\0")
            if len(key) == 34 and key.startswith(ED25519):
                return key.removeprefix(ED25519)
    raise Invalid(f"{did[:LONGEST]!r} is no did:key of an Ed25519 key")


def has_signed(did: str, signature: bytes, text: bytes) -> bool:
    """Return whether *signature* is *did*'s under *text*; False also for what is no name of a daemon."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key_of(did)).verify(signature, text)
    except (Invalid, InvalidSignature, ValueError):
        return False
    return True


def _base58(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    return digits
