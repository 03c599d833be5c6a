"""A peer: a daemon that is present, and what people call it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from hecate.join_mesh.network.cards import Card
from hecate.join_mesh.network.seals import Seals

NAMELESS: Final = "peer"
GOOD_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(slots=True)
class Peer:
    """A daemon that is present now."""

    card: Card
    seals: Seals
    first_seen: int
    """Milliseconds since 1970, UTC; over all of its sessions."""
    last_seen: int
    name: str
    """By which people call it: its own if nobody had it before, else with the end of its identity."""
    epoch: int
    """Of its session's places the newest: see `Peers`."""
    round_trip_ms: float | None = None
    misses: int = 0
    """How often in a row it has not shown its card."""
    asked_at: float = 0.0
    """When it was last asked for its card, on the monotonic clock, in seconds."""
    refreshing: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def did(self) -> str:
        """Its identity."""
        return self.card.did

    @property
    def place(self) -> str:
        """Where it can be asked, as the end of a key."""
        return f"{self.card.did}/{self.card.session}/{self.epoch}"


def name_for(card: Card, first_seen: int, others: Iterable[Peer], own_name: str, taken_since: int | None = None) -> str:
    """Return what to call the daemon of *card*: who was there first keeps a name that two claim.

    Args:
        card: With the name that it gives itself.
        first_seen: When it was first seen, in milliseconds since 1970, UTC.
        others: Who is present; one that has the name and came later gets another.
        own_name: This daemon's, which no peer may have.
        taken_since: When a daemon was first seen that had the name, and is not there now; None: there is none.
    """
    name = card.name if GOOD_NAME.fullmatch(card.name) else NAMELESS
    rivals = [peer for peer in others if peer.name == name and peer.did != card.did]
    is_taken = taken_since is not None and taken_since <= first_seen
    if name in {own_name, NAMELESS} or is_taken or any(peer.first_seen <= first_seen for peer in rivals):
        return f"{name}-{card.did[-6:]}"
    for rival in rivals:
        rival.name = f"{name}-{rival.did[-6:]}"
    return name
