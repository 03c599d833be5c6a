"""Query: one division with all its processes.

GET /api/divisions/{division_id}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION
from hecate.dossiers.processes import ProcessView, process_view, progress_in
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

DIVISION_ROW = """
SELECT d.venture_id, d.name, d.description, d.rationale, d.discovered_at, p.process, p.phase, p.state, p.health
FROM divisions d JOIN division_progress p ON p.division_id = d.id WHERE d.id = ?
"""


class DivisionOverview(msgspec.Struct, kw_only=True):
    """A division with all its processes."""

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
    processes: dict[str, ProcessView]
    """By name, in the order of the cycle."""


class DivisionShown(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/divisions/{division_id}``."""

    ok: bool
    division: DivisionOverview


async def show_division(call: Call) -> Mapping[str, Any]:
    """Show one division with the state of each of its processes."""
    division_id = call.path["division_id"]
    engine = call.services.get(Engine)

    def ask(db: apsw.Connection) -> dict[str, Any]:
        row = db.execute(DIVISION_ROW, (division_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no division {division_id!r}")
        venture_id, name, description, rationale, discovered_at, process_name, phase, state, health = row
        processes = {
            process.name: process_view(process, desks, *progress_in(db, process, division_id))
            for process, desks in engine.desks.items()
            if process.subject is DIVISION
        }
        return {
            "id": division_id,
            "division_id": division_id,
            "venture_id": venture_id,
            "name": name,
            "context_name": name,
            "description": description,
            "rationale": rationale,
            "discovered_at": rfc3339(discovered_at),
            "process": process_name,
            "current_phase": phase,
            "state": state,
            "status": processes[process_name]["status"],
            "status_label": state,
            "available_actions": processes[process_name]["available_actions"],
            "health": health,
            "processes": processes,
        }

    return {"division": await engine.store.read(ask)}


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}",
        call=show_division,
        summary="Get one division with the state of each of its processes.",
        answer=DivisionShown,
        errors=(404,),
        tag="divisions",
    ),
)
