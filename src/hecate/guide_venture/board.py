"""Query: everything about a venture at a glance.

    GET /api/ventures/{venture_id}/board

Each division with the states of its processes, its health, its open incidents, how its tests went last, and what is
live.  It is put together from the read models of the processes, in one question of a few milliseconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION, Process
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

MOST_INCIDENTS = 20
"""How many open incidents of a division are listed; all are counted."""

# CROSS JOIN keeps SQLite to this order: from the venture's divisions to what each has, by its key.
DIVISIONS = """
SELECT p.division_id, p.name, p.process, p.phase, p.state, p.health,
    t.run_id, t.suite_type, t.outcome, t.passed, t.total, t.recorded_at,
    r.version, r.live_since, r.release_id, r.target, r.commit_id
FROM division_progress p
LEFT JOIN last_test_runs t ON t.division_id = p.division_id
LEFT JOIN releases r ON r.division_id = p.division_id AND r.is_live
WHERE p.venture_id = ? ORDER BY p.position
"""
PROCESSES = """
SELECT d.division_id, p.process, p.state, p.progress ->> 'iteration'
FROM division_progress d CROSS JOIN processes p ON p.subject_id = d.division_id WHERE d.venture_id = ?
"""
INCIDENTS = """
SELECT i.division_id, i.incident_id, i.title, i.severity, i.raised_at
FROM division_progress d CROSS JOIN incidents i ON i.division_id = d.division_id AND i.closed_at IS NULL
WHERE d.venture_id = ? ORDER BY i.severity, i.position
"""


class ProcessOnBoard(msgspec.Struct, frozen=True):
    """Where a process stands."""

    state: str
    status: int
    """Bits: INITIATED 1, ACTIVE 2, PAUSED 4, COMPLETED 8, ARCHIVED 16."""
    iteration: int
    """0: it has not begun."""


class OpenIncident(msgspec.Struct, frozen=True):
    """Something is wrong."""

    incident_id: str
    title: str
    severity: str
    raised_at: str


class LastTest(msgspec.Struct, frozen=True):
    """How the tests went last."""

    run_id: str
    suite_type: str
    outcome: str
    passed: int
    total: int
    recorded_at: str


class LiveRelease(msgspec.Struct, frozen=True):
    """What is live."""

    version: str
    live_since: str
    release_id: str
    target: str
    commit: str
    """Of the workspace's repository; empty: there is none."""


class DivisionOnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A division at a glance."""

    division_id: str
    name: str
    process: str
    """The process that is under way, or comes next."""
    current_phase: str
    state: str
    health: str
    """``ok``, ``degraded``, ``down``, or ``unknown`` before any check."""
    processes: dict[str, ProcessOnBoard]
    """By name, in the order of the cycle."""
    open_incidents: list[OpenIncident]
    """The worst first, at most 20."""
    open_incident_count: int
    last_test: LastTest | None
    live_release: LiveRelease | None


class BoardSummary(msgspec.Struct, frozen=True):
    """The whole venture in numbers."""

    divisions: int
    health: dict[str, int]
    """How many divisions are ``ok``, ``degraded``, ``down`` or ``unknown``."""
    open_incidents: int
    live_releases: int


class Board(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/board``."""

    ok: bool
    venture_id: str
    name: str
    position: int
    """Of the newest event that is seen here; the board is another once there is one after it."""
    summary: BoardSummary
    divisions: list[DivisionOnBoard]
    """In the order of their discovery."""


async def show_board(call: Call) -> Mapping[str, Any]:
    """Show all divisions of a venture."""
    venture_id = call.path["venture_id"]
    engine = call.services.get(Engine)
    cycle = [process for process in engine.desks if process.subject is DIVISION]

    def ask(db: apsw.Connection) -> Mapping[str, Any]:
        venture = db.execute("SELECT name FROM ventures WHERE id = ?", (venture_id,)).fetchone()
        if venture is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        head: Any = db.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        divisions = _divisions(db, venture_id, cycle)
        return {
            "venture_id": venture_id,
            "name": venture[0],
            "position": head[0],
            "summary": summary_of(divisions),
            "divisions": divisions,
        }

    return await engine.store.read(ask)


def summary_of(divisions: list[DivisionOnBoard]) -> BoardSummary:
    """Return *divisions* in numbers."""
    return BoardSummary(
        divisions=len(divisions),
        health=dict(Counter(division.health for division in divisions)),
        open_incidents=sum(division.open_incident_count for division in divisions),
        live_releases=sum(division.live_release is not None for division in divisions),
    )


def _divisions(db: apsw.Connection, venture_id: str, cycle: list[Process]) -> list[DivisionOnBoard]:
    pending = {process.name: ProcessOnBoard("pending", process.status_of("pending"), 0) for process in cycle}
    by_name = {process.name: process for process in cycle}
    begun: defaultdict[str, dict[str, ProcessOnBoard]] = defaultdict(dict)
    for division_id, name, state, iteration in db.execute(PROCESSES, (venture_id,)):
        begun[division_id][name] = ProcessOnBoard(state, by_name[name].status_of(state), iteration)
    incidents: defaultdict[str, list[OpenIncident]] = defaultdict(list)
    for division_id, incident_id, title, severity, raised_at in db.execute(INCIDENTS, (venture_id,)):
        incidents[division_id].append(OpenIncident(incident_id, title, severity, rfc3339(raised_at)))
    return [
        DivisionOnBoard(
            division_id=division_id,
            name=name,
            process=process,
            current_phase=phase,
            state=state,
            health=health,
            # Begun ones take the place of those that are pending, and so keep the cycle's order.
            processes=pending | begun[division_id],
            open_incidents=incidents[division_id][:MOST_INCIDENTS],
            open_incident_count=len(incidents[division_id]),
            last_test=_last_test(rest[:6]),
            live_release=_live_release(rest[6:]),
        )
        for division_id, name, process, phase, state, health, *rest in db.execute(DIVISIONS, (venture_id,))
    ]


def _last_test(row: list[Any]) -> LastTest | None:
    run_id, suite_type, outcome, passed, total, recorded_at = row
    return None if run_id is None else LastTest(run_id, suite_type, outcome, passed, total, rfc3339(recorded_at))


def _live_release(row: list[Any]) -> LiveRelease | None:
    version, live_since, release_id, target, commit = row
    return None if version is None else LiveRelease(version, rfc3339(live_since), release_id, target, commit)


ROUTES = (
    Route(
        method="GET",
        path="/api/ventures/{venture_id}/board",
        call=show_board,
        summary="Show every division of a venture: processes, health, open incidents, last test and live release.",
        answer=Board,
        errors=(404,),
        tag="ventures",
    ),
)
