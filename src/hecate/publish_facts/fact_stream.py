"""The fact stream: what happens from now on, in the form of the original daemon.

    GET /api/facts/stream
    data: {"fact_type": "venture_setup_v1", "data": {...}}

``Last-Event-ID`` or ``?after=`` goes on from a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.engine import Engine
from hecate.endpoints import Call, Position, Route, Stream
from hecate.publish_facts.event_view import ascii_json
from hecate.publish_facts.events import SERVER_SENT_EVENTS, EventsQuery, Selection
from hecate.publish_facts.following import follow, resume_at

if TYPE_CHECKING:
    from hecate.dossiers.hash_chain import StoredEvent

LONGEST_LINE_BYTES = 64 * 1024


class FactsQuery(msgspec.Struct, frozen=True):
    """From where on."""

    after: Position | None = None
    """A position; without one, the stream begins with what happens next."""


async def stream_facts(call: Call) -> Stream:
    """Stream the facts from now on, or from a position on."""
    store = call.services.get(Engine).store
    after = resume_at(call, call.query.after, store.head)
    return Stream(follow(store, Selection(EventsQuery()).read, after, fact_line))


def fact_line(event: StoredEvent) -> bytes:
    """Return *event* as a server-sent event whose line is at most 64 KiB.

    A fact that is longer comes without its data, marked ``truncated``; ``GET /api/events`` has all of it.
    """
    fact = {"fact_type": event.type, "data": msgspec.Raw(event.data.encode())}
    line = b"data: " + ascii_json(fact)
    if len(line) > LONGEST_LINE_BYTES:
        line = b"data: " + ascii_json({"fact_type": event.type, "data": {}, "truncated": True})
    return b"id: %d\n%s\n\n" % (event.position, line)


ROUTES = (
    Route(
        method="GET",
        path="/api/facts/stream",
        call=stream_facts,
        summary="Stream facts as they happen.",
        query=FactsQuery,
        media_types=(SERVER_SENT_EVENTS,),
        tag="events",
    ),
)
