"""The event log: a page, lines, CloudEvents, or live.

    GET /api/events?after=0&limit=50&type=venture_setup_v1&stream=design-div-1

``Accept`` chooses the form: JSON (a page), ``application/x-ndjson`` (lines),
``application/cloudevents-batch+json``, or ``text/event-stream`` (live; ``id:`` is the position,
and ``Last-Event-ID`` resumes).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.texts import VentureKeys
from hecate.endpoints import Answer, Call, Limit, Position, Raw, Result, Route, Stream
from hecate.publish_facts.event_view import EventView, ascii_json, cloud_event, view
from hecate.publish_facts.following import BYTES_A_READ, EVENTS_A_READ, follow, resume_at

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.hash_chain import StoredEvent

DEFAULT_LIMIT = 50
NDJSON = "application/x-ndjson"
CLOUD_EVENTS = "application/cloudevents-batch+json"
SERVER_SENT_EVENTS = "text/event-stream"

_encode = msgspec.json.Encoder().encode


class EventsQuery(msgspec.Struct, frozen=True):
    """Which events."""

    after: Position | None = None
    """A position; 0 for the beginning."""
    limit: Limit | None = None
    """How many on a page, or lines at the most."""
    type: str = ""
    """Stored names, separated by commas."""
    stream: str = ""
    """Names of streams, separated by commas."""


class Events(msgspec.Struct, kw_only=True):
    """A page of events."""

    ok: bool
    events: list[EventView]
    next: int
    """The ``after`` of the next page: the last position that this page has looked at."""


class Selection:
    """The events that a caller wants to see.

    Args:
        query: The caller's own filters.
        streams: Which streams are looked at, and no others; None: all.
        venture_id: The venture whose events are looked at, and no others; empty: all.
    """

    def __init__(self, query: EventsQuery, *, streams: Sequence[str] | None = None, venture_id: str = "") -> None:
        self.types = _names(query.type)
        wanted = _names(query.stream)
        if streams is None:
            self.streams = wanted
            self._has_none = False
        else:
            self.streams = tuple([stream for stream in streams if not wanted or stream in wanted])
            self._has_none = not self.streams
        self.venture_id = venture_id

    def read(self, db: apsw.Connection, after: int, limit: int, enough_bytes: int | None = None) -> list[StoredEvent]:
        """Return at most *limit* events after the position *after*, fewer where *enough_bytes* come together."""
        if self._has_none:
            return []
        return EventStore.events_after(
            db,
            after,
            limit,
            types=self.types,
            streams=self.streams,
            venture_id=self.venture_id,
            enough_bytes=enough_bytes,
        )


async def list_events(call: Call) -> Result:
    """Show the events after a position, in the form that the caller accepts."""
    return await show_events(call, Selection(call.query))


async def show_events(call: Call, selection: Selection) -> Result:
    """Show *selection* in the form that the caller accepts."""
    query: EventsQuery = call.query
    store = call.services.get(Engine).store
    accept = call.headers.get("accept", "")
    if SERVER_SENT_EVENTS in accept:
        after = resume_at(call, query.after, 0)
        return Stream(follow(store, selection.read, after, server_sent_event))
    after = query.after or 0
    if NDJSON in accept:
        return Stream(_lines(store, selection, after, query.limit), media_type=NDJSON)
    limit = query.limit or DEFAULT_LIMIT
    events = await store.read(lambda db: selection.read(db, after, limit))
    if CLOUD_EVENTS in accept:
        return Raw(_encode([cloud_event(event) for event in events]), media_type=CLOUD_EVENTS)
    return Answer(page(events, after))


def page(events: Sequence[StoredEvent], after: int) -> dict[str, Any]:
    """Return a page of *events*, which follow the position *after*."""
    return {"events": [view(event) for event in events], "next": events[-1].position if events else after}


def server_sent_event(event: StoredEvent) -> bytes:
    """Return *event* as a server-sent event."""
    return b"id: %d\ndata: %s\n\n" % (event.position, ascii_json(view(event)))


async def _lines(store: EventStore, selection: Selection, after: int, limit: int | None) -> AsyncGenerator[bytes, None]:
    """Give one JSON document a line: *limit* of them, else all there are at this moment."""
    head, left = store.head, limit
    while left is None or left > 0:
        size = EVENTS_A_READ if left is None else min(EVENTS_A_READ, left)
        read = await store.read(partial(_with_keys, selection, after, size))
        events = [(event, key) for event, key in read if event.position <= head]
        if not events:
            return
        yield b"".join([_encode(view(event, key)) + b"\n" for event, key in events])
        after = events[-1][0].position
        left = None if left is None else left - len(events)


def _with_keys(selection: Selection, after: int, limit: int, db: apsw.Connection) -> list[tuple[StoredEvent, bytes]]:
    """Return events, each with the key that its hash needs: lines can be kept, checked and imported elsewhere."""
    keys = VentureKeys(db)
    return [(event, keys.key_of(event)) for event in selection.read(db, after, limit, BYTES_A_READ)]


def _names(text: str) -> tuple[str, ...]:
    return tuple([name for name in text.split(",") if name])


ROUTES = (
    Route(
        method="GET",
        path="/api/events",
        call=list_events,
        summary="List every event after a position: as a page, as lines, as CloudEvents, or live.",
        query=EventsQuery,
        answer=Events,
        media_types=("application/json", NDJSON, CLOUD_EVENTS, SERVER_SENT_EVENTS),
        tag="events",
    ),
)
