"""The hash chain over the events: a change anywhere in the past shows.

Each event's hash is SHA-256 over the hash before it and the event's own row, as MessagePack,
so that no two different rows have the same bytes.  For each text in the row stands its
commitment, which is what a forgotten venture leaves of it: `hecate.dossiers.texts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from hecate.dossiers.texts import VentureKeys, redacted

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
    texts: str | None = None
    """Where in ``data`` the texts are for which commitments are in the hash; None: ``data`` is in it as it is."""


def link(previous: bytes, row: tuple[int, str, int, str, str, str, str, str, int]) -> bytes:
    """Return the hash of *row*, a `StoredEvent` up to its time, after hash *previous*.

    Its data have the commitments in the places of the texts.
    """
    return hashlib.sha256(previous + _encode(row)).digest()


def follows(previous: bytes, event: StoredEvent, keys: VentureKeys) -> bool:
    """Tell whether *event* is what was recorded after the one with hash *previous*."""
    row = event[:9]
    if event.texts is not None:
        commit = keys.commit_of(event.venture_id)
        if commit is None:
            return False
        try:
            row = (*row[:6], redacted(event.data, event.texts, commit), *row[7:])
        except (msgspec.MsgspecError, UnicodeError):
            return False
    return link(previous, row) == event.hash


def first_broken(previous: bytes, events: Iterable[StoredEvent], keys: VentureKeys | None = None) -> int | None:
    """Return the position of the first event whose hash does not follow, or None.

    Args:
        previous: The hash of the event before the first, `GENESIS` at the beginning.
        events: In the order of their positions.
        keys: Those of the store that has the events; None: there are no texts among them.
    """
    keys = keys or VentureKeys()
    for event in events:
        if not follows(previous, event, keys):
            return event.position
        previous = event.hash
    return None
