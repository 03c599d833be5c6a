"""The card that a daemon shows: who it is and what it can do, signed for the one who asks.

Whoever asks for a card sends a number that was never used; the signature covers it.  So a card cannot be shown by
anybody else, or a second time.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.network.did_key import LONGEST, has_signed
from hecate.join_mesh.network.identity import Identity

NONCE_BYTES: Final = 16
SIGNATURE_BYTES: Final = 64
MOST_CAPABILITIES: Final = 500
MOST_ADDRESSES: Final = 32
MOST_VENTURES: Final = 500
LATEST_TIME: Final = 253_402_300_799_999
"""Milliseconds since 1970, UTC: the end of the year 9999."""
_DOMAIN: Final = b"hecate mesh card 1\0"


# Nothing after the port: there zenoh takes settings of the link, such as which authority to trust.
PeerAddress = Annotated[
    str,
    msgspec.Meta(max_length=300, pattern=r"^(tls|quic)/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$(?!\n)"),
]
"""Where a daemon can be reached, as zenoh writes it; what a card says is connected to at the next start."""
Word = Annotated[str, msgspec.Meta(max_length=200)]


class CapabilityCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A capability as peers see it."""

    mri: str
    agent_identity: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    demo_procedure: str = ""
    metadata: dict[str, Any] = {}
    input_schema: dict[str, Any] = {}
    output_schema: dict[str, Any] = {}
    callable: bool = False
    announced_at: Annotated[int, msgspec.Meta(ge=0, le=LATEST_TIME)] = 0
    """Milliseconds since 1970, UTC."""
    signature: bytes = b""
    """Of the daemon that has announced it, over all of the above: see `signed_capabilities`."""


class SharedVenture(msgspec.Struct, frozen=True):
    """A venture whose facts a daemon publishes, with the position of the newest in its event log."""

    venture_id: Word
    newest: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon says of itself."""

    did: str
    session: str
    """Another one after each start."""
    realm: str
    """The fingerprint of the realm's authority."""
    name: Word
    version: Word
    since: int
    """When the session began, in milliseconds since 1970, UTC, by the daemon's own clock."""
    seal_key: bytes
    """The session's X25519 key."""
    addresses: Annotated[tuple[PeerAddress, ...], msgspec.Meta(max_length=MOST_ADDRESSES)] = ()
    capabilities: Annotated[tuple[CapabilityCard, ...], msgspec.Meta(max_length=MOST_CAPABILITIES)] = ()
    ventures: Annotated[tuple[SharedVenture, ...], msgspec.Meta(max_length=MOST_VENTURES)] = ()
    shares_models: bool = False
    is_keeper: bool = False
    shut_out: int = 0
    """How many it knows to be shut out of the realm."""
    nonce: bytes = b""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Card).decode


def new_nonce() -> bytes:
    """Return a number that was never used."""
    return os.urandom(NONCE_BYTES)


def signed(card: Card, identity: Identity, nonce: bytes) -> bytes:
    """Return *card* as *identity* shows it to the one who has sent *nonce*.

    Raises:
        Invalid: *nonce* is none.
    """
    if len(nonce) != NONCE_BYTES:
        raise Invalid("who asks for a card sends 16 bytes")
    text = _encode(msgspec.structs.replace(card, nonce=nonce))
    return identity.sign(_DOMAIN + text) + text


def checked(shown: bytes, *, did: str, session: str, realm: str, nonce: bytes) -> Card:
    """Return the card that was *shown*, if *did* has signed it for *nonce*.

    Raises:
        Invalid: It is another's, altered, shown before, or of another realm.
    """
    signature, text = shown[:SIGNATURE_BYTES], shown[SIGNATURE_BYTES:]
    if not has_signed(did, signature, _DOMAIN + text):
        raise Invalid(f"a card in the name of {did[:LONGEST]} is not signed by it")
    try:
        card = _decode(text)
    except msgspec.DecodeError as exc:
        raise Invalid(f"the card of {did} cannot be read: {exc}") from exc
    if (card.did, card.session, card.realm) != (did, session, realm):
        raise Invalid(f"the card of {did} is for another session or realm")
    if card.nonce != nonce:
        raise Invalid(f"the card of {did} was shown before")
    return card
