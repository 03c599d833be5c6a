"""Desk: record how a fix has gone.  Only the fix's own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event
from hecate.rescue_division.applied_fixes import FixApplied, FixFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RecordFix(Command, frozen=True):
    """Tell how it has gone: with a commit it was applied, else it has failed for a reason."""

    incident_id: str
    description: str
    commit: str = ""
    reason: str = ""


def decide(dossier: Dossier, command: RecordFix) -> Sequence[Event]:
    """Keep the outcome; a commit only once, a failure as often as it comes."""
    fix_id = dossier.new_id("fix")
    if not command.commit:
        return [
            FixFailed(
                fix_id=fix_id, incident_id=command.incident_id, description=command.description, reason=command.reason
            )
        ]
    if dossier.has(FixApplied, commit=command.commit):
        return []
    return [
        FixApplied(
            fix_id=fix_id,
            incident_id=command.incident_id,
            description=command.description,
            commit=command.commit,
            closes=True,
        )
    ]


_COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

RECORD = Desk(
    path="",
    command=RecordFix,
    events=(FixApplied, FixFailed),
    decide=decide,
    states=EVERY_STATE,
    makes="fix_id",
    example=Example(
        given=(FixFailed(fix_id="fix-1", incident_id="inc-1", description="restart it", reason="1 of 3 passed"),),
        when=RecordFix(incident_id="inc-1", description="read both hosts", commit=_COMMIT),
        then=(
            FixApplied(fix_id="fix-", incident_id="inc-1", description="read both hosts", commit=_COMMIT, closes=True),
        ),
    ),
)
