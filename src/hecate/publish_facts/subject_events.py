"""The raw events of one venture or division, oldest first.

GET /api/ventures/{venture_id}/events      with those of its divisions
GET /api/divisions/{division_id}/events
"""

from __future__ import annotations

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION, VENTURE, Subject
from hecate.endpoints import Call, Result, Route
from hecate.publish_facts.events import (
    CLOUD_EVENTS,
    NDJSON,
    SERVER_SENT_EVENTS,
    Events,
    EventsQuery,
    Selection,
    show_events,
)


async def list_venture_events(call: Call) -> Result:
    """Show all that has happened to a venture and its divisions."""
    venture_id = await _known(call, VENTURE)
    return await show_events(call, Selection(call.query, venture_id=venture_id))


async def list_division_events(call: Call) -> Result:
    """Show all that has happened to a division."""
    division_id = await _known(call, DIVISION)
    processes = [process for process in call.services.get(Engine).desks if process.subject is DIVISION]
    streams = [process.stream_of(division_id) for process in processes]
    return await show_events(call, Selection(call.query, streams=streams))


async def _known(call: Call, subject: Subject) -> str:
    subject_id = call.path[subject.parameter]
    store = call.services.get(Engine).store
    if await store.read(lambda db: db.execute(subject.lookup, (subject_id,)).fetchone()) is None:
        raise NotFound(f"there is no {subject.kind} {subject_id!r}")
    return subject_id


ROUTES = tuple(
    Route(
        method="GET",
        path=path,
        call=call,
        summary=summary,
        query=EventsQuery,
        answer=Events,
        media_types=("application/json", NDJSON, CLOUD_EVENTS, SERVER_SENT_EVENTS),
        errors=(404,),
        tag="events",
    )
    for path, call, summary in (
        ("/api/ventures/{venture_id}/events", list_venture_events, "List the events of a venture and its divisions."),
        ("/api/divisions/{division_id}/events", list_division_events, "List the events of a division."),
    )
)
