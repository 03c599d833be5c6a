"""Read model: the divisions of a venture.

GET /api/ventures/{venture_id}/divisions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.discover_divisions import PROCESS
from hecate.discover_divisions.discover_division import DivisionDiscovered
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import VENTURE, Process
from hecate.dossiers.processes import ProcessView, actions_in, process_view, progress_in
from hecate.dossiers.read_model import Fact, ReadModel
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Answer, Call, PageQuery, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

    from hecate.dossiers.desk import Desk
    from hecate.dossiers.dossier import Progress

SCHEMA = """
CREATE TABLE divisions (
    id            TEXT    PRIMARY KEY,
    venture_id    TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    rationale     TEXT    NOT NULL,
    discovered_at INTEGER NOT NULL,
    UNIQUE (venture_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX divisions_by_venture ON divisions (venture_id, position);
"""

# Where a division stands is guide_venture's read model: processes meet by stored names.
PAGE = """
SELECT d.id, d.position, d.name, d.description, d.rationale, d.discovered_at, p.process, p.phase, p.state, p.health,
    coalesce(s.reopened, 0)
FROM divisions d JOIN division_progress p ON p.division_id = d.id
LEFT JOIN processes s ON s.subject_id = d.id AND s.process = p.process
WHERE d.venture_id = ? AND d.position > ? ORDER BY d.position LIMIT ?
"""


class DivisionView(msgspec.Struct, kw_only=True):
    """A division as lists show it."""

    id: str
    division_id: str
    venture_id: str
    name: str
    context_name: str
    description: str
    rationale: str
    discovered_at: str
    process: str
    """The process that is under way, or comes next."""
    current_phase: str
    state: str
    status: int
    """That process's bits: INITIATED 1, ACTIVE 2, PAUSED 4, COMPLETED 8, ARCHIVED 16."""
    status_label: str
    available_actions: list[str]
    """What that process takes now."""
    health: str


class Divisions(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/divisions``."""

    ok: bool
    divisions: list[DivisionView]
    process: ProcessView
    """Where the discovery stands."""
    next: int | None = None
    """Where the next page begins, null on the last."""


def on_division_discovered(db: apsw.Connection, fact: Fact) -> None:
    """Add the division."""
    division = fact.event
    assert isinstance(division, DivisionDiscovered)  # noqa: S101 - the stored name says so
    db.execute(
        "INSERT INTO divisions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            division.division_id,
            fact.venture_id,
            fact.position,
            division.division_name,
            division.description,
            division.rationale,
            fact.recorded_at,
        ),
    )


async def list_divisions(call: Call) -> Answer:
    """List the divisions of a venture, in the order of their discovery."""
    query: PageQuery = call.query
    venture_id = call.path["venture_id"]
    engine = call.services.get(Engine)

    def ask(db: apsw.Connection) -> tuple[list[tuple[Any, ...]], Progress, int]:
        if db.execute(VENTURE.lookup, (venture_id,)).fetchone() is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        rows = db.execute(PAGE, (venture_id, query.after, query.limit + 1)).fetchall()
        return rows, *progress_in(db, PROCESS, venture_id)

    rows, progress, version = await engine.store.read(ask)
    processes = {process.name: (process, desks) for process, desks in engine.desks.items()}
    content = {
        "divisions": [view(venture_id, row, processes) for row in rows[: query.limit]],
        "process": process_view(PROCESS, engine.desks[PROCESS], progress, version),
        "next": rows[query.limit - 1][1] if len(rows) > query.limit else None,
    }
    return Answer(content, headers={"ETag": f'"{version}"'})


def view(
    venture_id: str, row: tuple[Any, ...], processes: Mapping[str, tuple[Process, Sequence[Desk]]]
) -> DivisionView:
    """Return a row of `PAGE` as answers show it.  *processes* are all there are, with their desks, by name."""
    division_id, _, name, description, rationale, discovered_at, process_name, phase, state, health, reopened = row
    process, desks = processes[process_name]
    return DivisionView(
        id=division_id,
        division_id=division_id,
        venture_id=venture_id,
        name=name,
        context_name=name,
        description=description,
        rationale=rationale,
        discovered_at=rfc3339(discovered_at),
        process=process_name,
        current_phase=phase,
        state=state,
        status=process.status_of(state),
        status_label=state,
        available_actions=actions_in(desks, state, reopened=bool(reopened) and process.redesigned),
        health=health,
    )


READ_MODEL = ReadModel(name="divisions", schema=SCHEMA, projections={"division_discovered_v1": on_division_discovered})

ROUTES = (
    Route(
        method="GET",
        path="/api/ventures/{venture_id}/divisions",
        call=list_divisions,
        summary="List discovered divisions for a venture.",
        query=PageQuery,
        answer=Divisions,
        errors=(404,),
        tag="ventures",
    ),
)
