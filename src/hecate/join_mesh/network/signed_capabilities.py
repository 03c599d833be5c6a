"""A capability as the daemon has announced it, signed by it: what a card says of it holds without the card, too.

The signature is over what the event log has, with the time of the event.  It is the same each time (RFC 8032), and so
is not stored: a capability that was announced while the mesh was off, or its packages missing, has one as well.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from hecate.join_mesh.mesh_events import CapabilityAnnounced
from hecate.join_mesh.mesh_log import Decisions
from hecate.join_mesh.network.cards import CapabilityCard
from hecate.join_mesh.network.did_key import has_signed
from hecate.join_mesh.network.identity import Identity

MOST_REMEMBERED: Final = 4096
_DOMAIN: Final = b"hecate mesh capability 1\0"
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def capability_cards(decisions: Decisions, identity: Identity) -> tuple[CapabilityCard, ...]:
    """Return the capabilities of this daemon as peers see them, signed by *identity*."""
    return tuple(card_of(announced, at, identity) for announced, at in decisions.capabilities.values())


def card_of(announced: CapabilityAnnounced, at: int, identity: Identity) -> CapabilityCard:
    """Return what was *announced* *at* so many milliseconds since 1970, UTC, signed by *identity*."""
    card = CapabilityCard(
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
    return msgspec.structs.replace(card, signature=_signature(identity, _text(card)))


def is_signed(did: str, capability: CapabilityCard) -> bool:
    """Return whether the daemon *did* has signed *capability*, as far as this version knows its fields.

    Whether it is its own at all is proven by the card that it comes in.
    """
    return bool(capability.signature) and _has_signed(did, capability.signature, _text(capability))


def _text(card: CapabilityCard) -> bytes:
    return _DOMAIN + sha256(_encode(msgspec.structs.replace(card, signature=b""))).digest()


# A card is shown to each peer each ten seconds, and its capabilities seldom change.
@lru_cache(MOST_REMEMBERED)
def _signature(identity: Identity, text: bytes) -> bytes:
    return identity.sign(text)


_has_signed: Final = lru_cache(MOST_REMEMBERED)(has_signed)
