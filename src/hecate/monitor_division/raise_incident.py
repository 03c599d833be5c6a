"""Desk: raise an incident.

    POST /api/divisions/{division_id}/monitor/incident
    {"title": "logins fail", "severity": "sev1", "description": "every second one, since the release"}

While it is open the division's health is ``down`` (sev1, sev2) or ``degraded`` (sev3, sev4).  A check that fails
raises its own, through the desk of statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name, Text
from hecate.monitor_division.raised_incidents import IncidentRaised, Severity, open_incident

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RaiseIncident(Command, frozen=True):
    """Tell that something is wrong."""

    title: Name
    severity: Severity = "sev3"
    description: Text = ""


def decide(dossier: Dossier, command: RaiseIncident) -> Sequence[Event]:
    """Raise an incident under a title that no open one has.

    Raises:
        Refused: An incident of this title is open.
    """
    earlier = open_incident(dossier, title=command.title)
    if earlier is not None:
        raise Refused(f"incident {command.title!r} is open already: {earlier.incident_id}")
    return [
        IncidentRaised(
            incident_id=dossier.new_id("inc"),
            title=command.title,
            severity=command.severity,
            description=command.description,
            check_id="",
        )
    ]


DESK = Desk(
    path="incident",
    command=RaiseIncident,
    events=(IncidentRaised,),
    decide=decide,
    makes="incident_id",
    example=Example(
        when=RaiseIncident(title="logins fail", severity="sev1", description="every second one, since the release"),
        then=(
            IncidentRaised(
                incident_id="inc-",
                title="logins fail",
                severity="sev1",
                description="every second one, since the release",
                check_id="",
            ),
        ),
    ),
)
