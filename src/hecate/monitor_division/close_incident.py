"""Desk: close an incident.

    POST /api/divisions/{division_id}/monitor/close
    {"incident_id": "inc-0193f2a1b3c000112345", "reason": "the release was rolled back"}

Taken in every state that an incident can outlive: monitoring may be paused, or over, when it is mended.  A check
that goes on failing raises another one, after as many failures in a row as the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, Text
from hecate.monitor_division.raised_incidents import IncidentClosed, IncidentRaised, open_incident

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class CloseIncident(Command, frozen=True):
    """Tell that something is wrong no more."""

    incident_id: Name
    reason: Text = ""


def decide(dossier: Dossier, command: CloseIncident) -> Sequence[Event]:
    """Close an open incident.

    Raises:
        Refused: There is no such incident, or it was closed before.
    """
    if not dossier.has(IncidentRaised, incident_id=command.incident_id):
        raise Refused(f"there is no incident {command.incident_id!r}")
    if open_incident(dossier, incident_id=command.incident_id) is None:
        raise Refused(f"incident {command.incident_id!r} is closed already")
    return [IncidentClosed(incident_id=command.incident_id, reason=command.reason)]


DESK = Desk(
    path="close",
    command=CloseIncident,
    events=(IncidentClosed,),
    decide=decide,
    states=frozenset({"active", "paused", "completed", "archived"}),
    example=Example(
        given=(
            IncidentRaised(
                incident_id="inc-1", title="logins fail", severity="sev1", description="every second one", check_id=""
            ),
        ),
        when=CloseIncident(incident_id="inc-1", reason="the release was rolled back"),
        then=(IncidentClosed(incident_id="inc-1", reason="the release was rolled back"),),
    ),
)
