"""An event as callers see it: raw, as it was recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.times import rfc3339_milliseconds

if TYPE_CHECKING:
    from hecate.dossiers.hash_chain import StoredEvent

_encode = msgspec.json.Encoder().encode


class EventView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event of the log."""

    position: int
    """Its place among all events, from 1, without a gap."""
    stream: str
    version: int
    """Its place in the stream, from 1."""
    type: str
    data: Any
    recorded_at: str
    meta: Any
    event_id: str
    venture_id: str
    hash: str
    """SHA-256 over the hash before it and the event, with commitments to its texts, in hexadecimal."""
    texts: str = ""
    """In lines only: where in ``data`` the texts are for which commitments are in the hash."""
    key: str = ""
    """In lines only: the key of the venture with which those are computed, so that a line proves itself."""


def view(event: StoredEvent, key: bytes = b"") -> EventView:
    """Return *event* as answers show it; its data and meta are passed on as they are stored.

    With the *key* that its hash needs, what that is computed from is told, too.
    """
    return EventView(
        position=event.position,
        stream=event.stream,
        version=event.version,
        type=event.type,
        data=msgspec.Raw(event.data.encode()),
        recorded_at=rfc3339_milliseconds(event.recorded_at),
        meta=msgspec.Raw(event.meta.encode()),
        event_id=event.event_id,
        venture_id=event.venture_id,
        hash=event.hash.hex(),
        texts=(event.texts or "") if key else "",
        key=key.hex(),
    )


def cloud_event(event: StoredEvent) -> dict[str, Any]:
    """Return *event* as a CloudEvent 1.0, with position, version and hash as extensions."""
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/streams/{event.stream}",
        "type": event.type,
        "time": rfc3339_milliseconds(event.recorded_at),
        "datacontenttype": "application/json",
        "data": msgspec.Raw(event.data.encode()),
        "hecateposition": str(event.position),
        "hecateversion": event.version,
        "hecatehash": event.hash.hex(),
    }


def ascii_json(value: Any) -> bytes:
    """Return *value* as JSON in ASCII: a known client cuts lines at a byte offset."""
    text = _encode(value)
    return text if text.isascii() else json.dumps(msgspec.json.decode(text), separators=(",", ":")).encode()
