"""Read model: where each process of each subject stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.dossier import Progress
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.lifecycle import Start
from hecate.dossiers.read_model import ANY, Fact, ReadModel
from hecate.dossiers.times import rfc3339_or_none

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.desk import Desk
    from hecate.dossiers.process import Process

SCHEMA = """
CREATE TABLE processes (
    subject_id TEXT NOT NULL,
    process    TEXT NOT NULL,
    state      TEXT NOT NULL,
    progress   TEXT NOT NULL,
    reopened   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subject_id, process)
) STRICT, WITHOUT ROWID;
"""

REDESIGN = "redesign_escalated_v1"
"""The fact, of whichever process, that opens the completed processes of a division again."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Progress).decode


def keep_progress(db: apsw.Connection, fact: Fact) -> None:
    """Keep where the lifecycle stands; a desk's own events leave it where it is."""
    if type(fact.event) in fact.process.lifecycle.moving:
        db.execute(
            "INSERT INTO processes VALUES (?, ?, ?, ?, 0) ON CONFLICT (subject_id, process) DO UPDATE SET "
            "state = excluded.state, progress = excluded.progress, reopened = 0",
            (
                fact.subject_id,
                fact.process.name,
                fact.progress.state,
                _encode(fact.progress).decode(),
            ),
        )


def reopen(db: apsw.Connection, fact: Fact) -> None:
    """Keep that the subject's completed processes may begin their next iteration."""
    db.execute("UPDATE processes SET reopened = 1 WHERE subject_id = ? AND state = 'completed'", (fact.subject_id,))


def progress_in(db: apsw.Connection, process: Process, subject_id: str) -> tuple[Progress, int]:
    """Return where *subject_id*'s *process* stands, and its dossier's version; without events: pending, at 0."""
    sql = "SELECT progress, reopened FROM processes WHERE subject_id = ? AND process = ?"
    row = db.execute(sql, (subject_id, process.name)).fetchone()
    if row is None:
        return Progress(), 0
    progress = _decode(row[0])
    progress.reopened = bool(row[1]) and process.redesigned
    return progress, EventStore.version_of(db, process.stream_of(subject_id))


def actions_in(desks: Iterable[Desk], state: str, *, reopened: bool = False) -> list[str]:
    """Return the actions that a process with *desks* takes in *state*; `Progress.reopened` lets it start again."""
    return [desk.action for desk in desks if state in desk.states or (reopened and desk.command is Start)]


class ProcessView(msgspec.Struct, kw_only=True):
    """Where a process stands; times are RFC 3339, null where it has not come to that."""

    name: str
    state: str
    status: int
    """Bits: INITIATED 1, ACTIVE 2, PAUSED 4, COMPLETED 8, ARCHIVED 16."""
    status_label: str
    available_actions: list[str]
    version: int
    iteration: int
    started_at: str | None
    paused_at: str | None
    pause_reason: str | None
    completed_at: str | None
    archived_at: str | None


def process_view(process: Process, desks: Iterable[Desk], progress: Progress, version: int) -> dict[str, Any]:
    """Return the fields of a `ProcessView`."""
    return {
        "name": process.name,
        "state": progress.state,
        "status": process.status_of(progress.state),
        "status_label": progress.state,
        "available_actions": actions_in(desks, progress.state, reopened=progress.reopened),
        "version": version,
        "iteration": progress.iteration,
        "started_at": rfc3339_or_none(progress.started_at),
        "paused_at": rfc3339_or_none(progress.paused_at),
        "pause_reason": progress.pause_reason,
        "completed_at": rfc3339_or_none(progress.completed_at),
        "archived_at": rfc3339_or_none(progress.archived_at),
    }


READ_MODEL = ReadModel(name="processes", schema=SCHEMA, projections={ANY: keep_progress, REDESIGN: reopen})
