"""Policy: a fix that says so closes its incident.

Rescue tells that a fix was applied; whether the incident is over with that, the fix itself says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.policies import Policy, Reaction
from hecate.monitor_division import PROCESS
from hecate.monitor_division.close_incident import CloseIncident

if TYPE_CHECKING:
    from hecate.dossiers.messages import Event


def close_incident(event: Event, division_id: str) -> Reaction | None:
    """Ask that the incident is closed that the fix has ended, if it has."""
    # Another process's event, known here by its stored name only.
    fix: Any = event
    if not fix.closes:
        return None
    command = CloseIncident(incident_id=fix.incident_id, reason=f"fix {fix.fix_id} was applied")
    return Reaction(process=PROCESS.name, subject_id=division_id, command=command)


POLICY = Policy(name="on_fix_applied_maybe_close_incident", on=("fix_applied_v1",), react=close_incident)
