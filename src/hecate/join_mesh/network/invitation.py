"""An invitation into a realm, as one word that people can send each other; it holds once, and for a short while."""

from __future__ import annotations

import binascii
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

from hecate.dossiers.errors import Invalid

PREFIX: Final = "hecate-mesh-"
LONGEST: Final = 4096
SECRET_BYTES: Final = 24

_encode: Final = msgspec.msgpack.Encoder().encode


class Invitation(msgspec.Struct, frozen=True, array_like=True):
    """What the word says."""

    realm: str
    places: tuple[str, ...]
    """Where the one who invites waits: ``host:port``."""
    authority: bytes
    """The fingerprint of the realm's authority, so that nobody can let a guest into another realm."""
    secret: bytes
    expires_at: int
    """Seconds since 1970, UTC."""

    @property
    def secret_hash(self) -> bytes:
        """What the one who invites keeps of the secret."""
        return sha256(self.secret).digest()


_decode: Final = msgspec.msgpack.Decoder(Invitation).decode


def as_word(invitation: Invitation) -> str:
    """Return *invitation* as it is sent."""
    return PREFIX + urlsafe_b64encode(_encode(invitation)).decode().rstrip("=")


def invitation_in(word: str) -> Invitation:
    """Return the invitation that *word* is.

    Raises:
        Invalid: It is none, or has expired.
    """
    word = word.strip()
    text = word.removeprefix(PREFIX)
    if text == word or len(word) > LONGEST:
        raise Invalid(f"this is no invitation; one begins with {PREFIX}")
    try:
        invitation = _decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError) as exc:
        raise Invalid("this invitation is damaged; was it copied as a whole?") from exc
    if invitation.expires_at < time.time():
        raise Invalid("this invitation has expired; ask for another one")
    return invitation
