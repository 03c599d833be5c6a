"""The hash chain over the events: a change anywhere in the past shows.

Each event's hash is SHA-256 over the hash before it and the event's own row, as MessagePack,
so that no two different rows have the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

GENESIS = bytes(32)
"""The hash before the first event."""

_encode = msgspec.msgpack.Encoder().encode


class StoredEvent(NamedTuple):
    """A row of the event log.  ``recorded_at`` is in milliseconds since 1970, UTC."""

    position: int
    stream: str
    version: int
    venture_id: str
    event_id: str
    type: str
    data: str
    meta: str
    recorded_at: int
    hash: bytes


def link(previous: bytes, row: tuple[int, str, int, str, str, str, str, str, int]) -> bytes:
    """Return the hash of *row*, all of a `StoredEvent` but its hash, after hash *previous*."""
    return hashlib.sha256(previous + _encode(row)).digest()


def first_broken(previous: bytes, events: Iterable[StoredEvent]) -> int | None:
    """Return the position of the first event whose hash does not follow, or None.

    Args:
        previous: The hash of the event before the first, `GENESIS` at the beginning.
        events: In the order of their positions.
    """
    for event in events:
        if link(previous, event[:-1]) != event.hash:
            return event.position
        previous = event.hash
    return None
