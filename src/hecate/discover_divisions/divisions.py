"""Read model: the divisions of a venture.

GET /api/ventures/{venture_id}/divisions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.discover_divisions.discover_division import DivisionDiscovered
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import VENTURE
from hecate.dossiers.read_model import Fact, ReadModel
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, PageQuery, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

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
SELECT d.id, d.position, d.name, d.description, d.rationale, d.discovered_at, p.process, p.phase, p.state, p.health
FROM divisions d JOIN division_progress p ON p.division_id = d.id
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
    health: str


class Divisions(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/divisions``."""

    ok: bool
    divisions: list[DivisionView]
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


async def list_divisions(call: Call) -> Mapping[str, Any]:
    """List the divisions of a venture, in the order of their discovery."""
    query: PageQuery = call.query
    venture_id = call.path["venture_id"]

    def page(db: apsw.Connection) -> list[tuple[Any, ...]]:
        if db.execute(VENTURE.lookup, (venture_id,)).fetchone() is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        return db.execute(PAGE, (venture_id, query.after, query.limit + 1)).fetchall()

    rows = await call.services.get(Engine).store.read(page)
    divisions = [
        DivisionView(
            id=division_id,
            division_id=division_id,
            venture_id=venture_id,
            name=name,
            context_name=name,
            description=description,
            rationale=rationale,
            discovered_at=rfc3339(discovered_at),
            process=process,
            current_phase=phase,
            state=state,
            health=health,
        )
        for division_id, _, name, description, rationale, discovered_at, process, phase, state, health in rows[
            : query.limit
        ]
    ]
    return {"divisions": divisions, "next": rows[query.limit - 1][1] if len(rows) > query.limit else None}


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
