"""Read model: where each division of a venture stands.

    GET /api/ventures/{venture_id}/status

A division is shown with the process that was touched last and is not finished; where all
that was begun is finished, with the next of the cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION
from hecate.dossiers.read_model import ANY, Fact, ReadModel
from hecate.endpoints import Call, Route
from hecate.guide_venture.division_health import HEALTH_FACTS, READS, keep_health, turns_attention

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

CYCLE = (
    ("design_division", "anp"),
    ("plan_division", "anp"),
    ("generate_division", "tni"),
    ("test_division", "tni"),
    ("deploy_division", "dno"),
    ("monitor_division", "dno"),
)
"""The processes of a division and their phases, as they follow each other; a rescue comes when it must."""

SCHEMA = """
CREATE TABLE division_progress (
    division_id TEXT    PRIMARY KEY,
    venture_id  TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    process     TEXT    NOT NULL,
    phase       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    health      TEXT    NOT NULL DEFAULT 'unknown'
) STRICT, WITHOUT ROWID;
CREATE INDEX division_progress_by_venture ON division_progress (venture_id, position);
"""

TOUCHED = """
CREATE TABLE division_processes_touched (
    division_id TEXT    NOT NULL,
    process     TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (division_id, process)
) STRICT, WITHOUT ROWID;
"""
"""When the division's attention last turned to a process."""

MOVE = "UPDATE division_progress SET process = ?1, phase = ?2, state = ?3 WHERE division_id = ?4"
MOVE_IF_ELSEWHERE = MOVE + " AND (process <> ?1 OR state <> ?3)"
TOUCH = "INSERT OR REPLACE INTO division_processes_touched VALUES (?, ?, ?)"
UNFINISHED = """
SELECT p.process, p.state
FROM processes p JOIN division_processes_touched t ON t.division_id = p.subject_id AND t.process = p.process
WHERE p.subject_id = ? AND p.state IN ('active', 'paused') ORDER BY t.position DESC LIMIT 1
"""
FINISHED = "SELECT process FROM processes WHERE subject_id = ?"


class DivisionStanding(msgspec.Struct, kw_only=True):
    """Where a division stands."""

    division_id: str
    process: str
    state: str
    health: str
    """``ok``, ``degraded``, ``down``, or ``unknown`` before any check."""


class VentureStatus(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/status``."""

    ok: bool
    venture_id: str
    name: str
    divisions: dict[str, DivisionStanding]
    """By the division's name."""


def on_division_discovered(db: apsw.Connection, fact: Fact) -> None:
    """The division's first process is pending."""
    discovered: Any = fact.event
    process, phase = CYCLE[0]
    db.execute(
        "INSERT INTO division_progress (division_id, venture_id, position, name, process, phase, state) "
        "VALUES (?, ?, ?, ?, ?, ?, 'pending')",
        (discovered.division_id, fact.venture_id, fact.position, discovered.division_name, process, phase),
    )


def on_any(db: apsw.Connection, fact: Fact) -> None:
    """Follow what happens in a division's processes."""
    if fact.process.subject is not DIVISION:
        return
    state = fact.progress.state
    if state in {"active", "paused"}:
        db.execute(MOVE_IF_ELSEWHERE, (fact.process.name, fact.process.phase, state, fact.subject_id))
        if db.changes():
            db.execute(TOUCH, (fact.subject_id, fact.process.name, fact.position))
        return
    unfinished = db.execute(UNFINISHED, (fact.subject_id,)).fetchone()
    if unfinished is not None:
        process, state = unfinished
        phase = dict(CYCLE).get(process, "dno")
    else:
        begun = {name for (name,) in db.execute(FINISHED, (fact.subject_id,))}
        to_come = [step for step in _cycle_after(fact.process.name) if step[0] not in begun]
        process, phase = to_come[0] if to_come else (fact.process.name, fact.process.phase)
        state = "pending" if to_come else state
    db.execute(MOVE, (process, phase, state, fact.subject_id))


def on_health_fact(db: apsw.Connection, fact: Fact) -> None:
    """Follow how healthy a division is."""
    if turns_attention(fact):
        on_any(db, fact)
    keep_health(db, fact)


def _cycle_after(process: str) -> tuple[tuple[str, str], ...]:
    """Return the cycle from the process after *process* on: who left out the plan is not sent back to it first."""
    names = [name for name, _ in CYCLE]
    start = names.index(process) + 1 if process in names else 0
    return CYCLE[start:] + CYCLE[:start]


async def show_venture_status(call: Call) -> Mapping[str, Any]:
    """Show the process, state and health of each division of a venture."""
    venture_id = call.path["venture_id"]

    def ask(db: apsw.Connection) -> tuple[Any, list[Any]]:
        venture = db.execute("SELECT name FROM ventures WHERE id = ?", (venture_id,)).fetchone()
        if venture is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        rows = db.execute(
            "SELECT name, division_id, process, state, health FROM division_progress "
            "WHERE venture_id = ? ORDER BY position",
            (venture_id,),
        ).fetchall()
        return venture[0], rows

    name, rows = await call.services.get(Engine).store.read(ask)
    divisions = {
        division: DivisionStanding(division_id=division_id, process=process, state=state, health=health)
        for division, division_id, process, state, health in rows
    }
    return {"venture_id": venture_id, "name": name, "divisions": divisions}


READ_MODEL = ReadModel(
    name="division_progress",
    schema=SCHEMA + TOUCHED,
    projections={
        "division_discovered_v1": on_division_discovered,
        **dict.fromkeys(HEALTH_FACTS, on_health_fact),
        ANY: on_any,
    },
    after=("processes", *READS),
)

ROUTES = (
    Route(
        method="GET",
        path="/api/ventures/{venture_id}/status",
        call=show_venture_status,
        summary="Get the full venture status: the current process and health of each division.",
        answer=VentureStatus,
        errors=(404,),
        tag="ventures",
    ),
)
