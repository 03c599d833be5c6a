"""The card that a daemon shows: who it is and what it can do, signed for the one who asks.

Whoever asks for a card sends a number that was never used; the signature covers it.  So a card cannot be shown by
anybody else, or a second time.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.mesh_log import Decisions
from hecate.join_mesh.network.did_key import LONGEST, has_signed
from hecate.join_mesh.network.identity import Identity

NONCE_BYTES: Final = 16
SIGNATURE_BYTES: Final = 64
MOST_CAPABILITIES: Final = 500
LATEST_TIME: Final = 253_402_300_799_999
"""Milliseconds since 1970, UTC: the end of the year 9999."""
_DOMAIN: Final = b"hecate mesh card 1\0"


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


class SharedVenture(msgspec.Struct, frozen=True):
    """A venture whose facts a daemon publishes, with the position of the newest in its event log."""

    venture_id: str
    newest: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon says of itself."""

    did: str
    session: str
    """Another one after each start."""
    realm: str
    """The fingerprint of the realm's authority."""
    name: str
    version: str
    since: int
    """When the session began, in milliseconds since 1970, UTC, by the daemon's own clock."""
    seal_key: bytes
    """The session's X25519 key."""
    addresses: tuple[str, ...] = ()
    capabilities: tuple[CapabilityCard, ...] = ()
    ventures: tuple[SharedVenture, ...] = ()
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
    if len(card.capabilities) > MOST_CAPABILITIES:
        raise Invalid(f"the card of {did} has more than {MOST_CAPABILITIES} capabilities")
    return card


def capability_cards(decisions: Decisions) -> tuple[CapabilityCard, ...]:
    """Return the capabilities of this daemon as peers see them."""
    return tuple(
        CapabilityCard(
            mri=announced.mri,
            agent_identity=announced.agent_identity,
            tags=announced.tags,
            description=announced.description,
            demo_procedure=announced.demo_procedure,
            metadata=announced.metadata,
            input_schema=announced.input_schema,
            output_schema=announced.output_schema,
            callable=bool(announced.serve_at),
            announced_at=at,
        )
        for announced, at in decisions.capabilities.values()
    )
