"""Query: what has happened to a venture, in sentences.

GET /api/ventures/{venture_id}/timeline

Raw events are at `GET /api/ventures/{venture_id}/events`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION, Process
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, Limit, Position, Route
from hecate.guide_venture.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import apsw

COLUMNS = "SELECT position, stream, type, data, meta ->> '$.actor', recorded_at FROM events"
OF_VENTURE = f"{COLUMNS} WHERE venture_id = :venture AND position {{past}} ORDER BY position {{order}} LIMIT :limit"
# Its discovery is told in the stream of the venture's.  The plus keeps SQLite from the index of types.
OF_DIVISION = f"""
{COLUMNS} WHERE stream IN ({{streams}}) AND position {{past}}
UNION ALL
{COLUMNS} WHERE stream = :discovery AND +type LIKE 'division\\_discovered\\_v%' ESCAPE '\\'
    AND data ->> 'division_id' = :division AND position {{past}}
ORDER BY position {{order}} LIMIT :limit
"""
DIVISION_NAMES = "SELECT id, name FROM divisions WHERE id IN ({marks})"
NAMES = """
SELECT check_id, name FROM health_checks WHERE check_id IN ({marks})
UNION ALL SELECT incident_id, title FROM incidents WHERE incident_id IN ({marks})
"""
LAST_POSITION = 2**63 - 1

_actor = msgspec.json.Decoder(dict[str, Any])


class TimelineQuery(msgspec.Struct, frozen=True):
    """Which part of it."""

    limit: Limit = 50
    after: Position = 0
    """The ``next`` of the page before."""
    division: str = ""
    """The id or the name of the division that is told of; empty: the whole venture."""
    newest_first: bool = False
    """Whether it is told backwards."""


class Happening(msgspec.Struct, frozen=True):
    """Something that has happened."""

    position: int
    """Of the event that it tells of."""
    at: str
    sentence: str
    """With the division that it is about: ``auth: design started``."""
    type: str
    """The event's stored name."""
    process: str | None
    """Null: of a process that there is no more."""
    division_id: str | None
    """Null: it is about the venture."""
    division: str | None
    """Its name."""
    by: str
    """``uid:1000``, or the name of a policy; ``unknown``, over TCP."""


class Timeline(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/timeline``."""

    ok: bool
    venture_id: str
    happenings: list[Happening]
    next: int | None = None
    """Where the next page begins, null on the last."""


async def show_timeline(call: Call) -> Mapping[str, Any]:
    """Tell what has happened, oldest first unless it is asked for backwards."""
    query: TimelineQuery = call.query
    venture_id = call.path["venture_id"]
    engine = call.services.get(Engine)

    def ask(db: apsw.Connection) -> Mapping[str, Any]:
        if db.execute("SELECT 1 FROM ventures WHERE id = ?", (venture_id,)).fetchone() is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        rows = _rows(db, venture_id, query, list(engine.desks))
        more = len(rows) > query.limit
        return {
            "venture_id": venture_id,
            "happenings": _told(db, rows[: query.limit], list(engine.desks)),
            "next": rows[query.limit - 1][0] if more else None,
        }

    return await engine.store.read(ask)


def _rows(
    db: apsw.Connection, venture_id: str, query: TimelineQuery, processes: Sequence[Process]
) -> list[tuple[Any, ...]]:
    """Return the events of a page, and one more if there is one."""
    past, order = ("< :after", "DESC") if query.newest_first else ("> :after", "ASC")
    after = query.after or (LAST_POSITION if query.newest_first else 0)
    bindings: dict[str, Any] = {"after": after, "limit": query.limit + 1}
    if not query.division:
        bindings["venture"] = venture_id
        return db.execute(OF_VENTURE.format(past=past, order=order), bindings).fetchall()
    division_id = _division_id(db, venture_id, query.division)
    streams = {f"s{n}": process.stream_of(division_id) for n, process in enumerate(processes)}
    discovery = next((process.stream_of(venture_id) for process in processes if process.noun == "discovery"), "")
    marks = ", ".join(f":{name}" for name in streams)
    sql = OF_DIVISION.format(streams=marks, past=past, order=order)
    return db.execute(sql, {**bindings, **streams, "discovery": discovery, "division": division_id}).fetchall()


def _division_id(db: apsw.Connection, venture_id: str, division: str) -> str:
    sql = "SELECT id FROM divisions WHERE venture_id = ?1 AND (id = ?2 OR name = ?2) ORDER BY id <> ?2 LIMIT 1"
    row: Any = db.execute(sql, (venture_id, division)).fetchone()
    if row is None:
        raise NotFound(f"there is no division {division!r} in venture {venture_id!r}")
    division_id: str = row[0]
    return division_id


def _told(db: apsw.Connection, rows: Sequence[tuple[Any, ...]], processes: Sequence[Process]) -> list[Happening]:
    """Return *rows* as sentences."""
    by_noun = {process.noun: process for process in processes}
    events = [(*row, msgspec.json.decode(row[3])) for row in rows]
    ids = {fields[name] for *_, fields in events for name in ("check_id", "incident_id") if fields.get(name)}
    names = _names(db, NAMES, ids)
    subjects = {stream.partition("-")[2] for _, stream, *_ in events}
    divisions = _names(db, DIVISION_NAMES, subjects | {f["division_id"] for *_, f in events if "division_id" in f})
    happenings = []
    for position, stream, stored_name, _, actor, recorded_at, fields in events:
        noun, _, subject_id = stream.partition("-")
        process = by_noun.get(noun)
        division_id = subject_id if process and process.subject is DIVISION else fields.get("division_id")
        division = divisions.get(division_id or "")
        text = sentence(stored_name, fields, names)
        happenings.append(
            Happening(
                position=position,
                at=rfc3339(recorded_at),
                sentence=f"{division}: {text}" if division and division_id == subject_id else text,
                type=stored_name,
                process=process.name if process else None,
                division_id=division_id,
                division=division,
                by=_by(actor),
            )
        )
    return happenings


def _names(db: apsw.Connection, sql: str, ids: Collection[str]) -> dict[str, str]:
    if not ids:
        return {}
    marks = ", ".join(f"?{n}" for n in range(1, len(ids) + 1))
    rows: Any = db.execute(sql.format(marks=marks), tuple(ids))
    return dict(rows)


def _by(actor: str | None) -> str:
    known = _actor.decode(actor) if actor else {}
    return str(known.get("policy") or (f"uid:{known['uid']}" if "uid" in known else "unknown"))


ROUTES = (
    Route(
        method="GET",
        path="/api/ventures/{venture_id}/timeline",
        call=show_timeline,
        summary="Tell what has happened to a venture and its divisions, in sentences.",
        query=TimelineQuery,
        answer=Timeline,
        errors=(404,),
        tag="ventures",
    ),
)
