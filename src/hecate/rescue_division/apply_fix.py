"""Desk: apply a fix.

    POST /api/divisions/{division_id}/rescue/fix
    {"incident_id": "inc-0193f2a1b3c000112345", "description": "read both hosts", "patch": "--- a/auth/src/…"}

With a ``patch``, or the diagnosis's, it is a job: the patch is applied in the workspace, all or nothing, and the tests
are run.  If they pass it is committed, on a ``branch`` if one is named, and the incident closed; else all is as before.
Without one, somebody has mended it otherwise: that is recorded, and closes the incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import TEXT_PATTERN, Command, Event, Name, OptionalName, Text
from hecate.rescue_division.applied_fixes import FixApplied
from hecate.rescue_division.diagnosed_incidents import IncidentDiagnosed
from hecate.rescue_division.fix_work import fix, put_right, unfinished
from hecate.rescue_division.incident_reference import INCIDENT
from hecate.rescue_division.record_fix import RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Patch = Annotated[str, msgspec.Meta(max_length=500_000, pattern=TEXT_PATTERN)]


class ApplyFix(Command, frozen=True):
    """Ask that an incident is mended, or tell that it was."""

    incident_id: Name
    description: Text
    patch: Patch = ""
    """A unified diff, whose paths begin at the workspace."""
    branch: OptionalName = ""
    """Where it is committed; empty: in the workspace's own files."""
    diagnosis_id: OptionalName = ""
    """Whose patch it is, where none is given."""


def decide(dossier: Dossier, command: ApplyFix) -> Sequence[Event]:
    """Keep a fix that is told; leave one with a patch to the job.

    Raises:
        Invalid: The description says nothing, or a branch is named without a patch.
        Refused: There is no such diagnosis of the incident, or it has no patch.
    """
    if not command.description.strip():
        raise Invalid("a fix needs a description - at `$.description`")
    if command.diagnosis_id:
        diagnosis = dossier.find(IncidentDiagnosed, diagnosis_id=command.diagnosis_id)
        if diagnosis is None or diagnosis.incident_id != command.incident_id:
            raise Refused(f"there is no diagnosis {command.diagnosis_id!r} of incident {command.incident_id!r}")
        if not command.patch and not diagnosis.proposed_fix.patch:
            raise Refused(f"diagnosis {command.diagnosis_id!r} proposes no patch; give one, or leave it out")
    if needs_work(command):
        return []
    if command.branch:
        raise Invalid("a branch is for a patch, and there is none - at `$.branch`")
    told = {"incident_id": command.incident_id, "description": command.description, "commit": ""}
    if dossier.has(FixApplied, **told):
        return []
    return [FixApplied(fix_id=dossier.new_id("fix"), **told, closes=True)]


def needs_work(command: ApplyFix) -> bool:
    """Tell whether there is a patch to apply."""
    return bool(command.patch or command.diagnosis_id)


DESK = Desk(
    path="fix",
    command=ApplyFix,
    events=(FixApplied,),
    decide=decide,
    makes="fix_id",
    status=202,
    refers_to=(INCIDENT,),
    work=Work(
        do=fix, record=RECORD, put_right=put_right, unfinished=unfinished, needed=needs_work, holds_workspace=True
    ),
    example=Example(
        when=ApplyFix(incident_id="inc-1", description="read both hosts"),
        then=(FixApplied(fix_id="fix-", incident_id="inc-1", description="read both hosts", commit="", closes=True),),
    ),
)
