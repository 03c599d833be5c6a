"""What a dossier knows of its incidents: that they were raised, by whom, and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hecate.dossiers.messages import Event

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier

Severity = Literal["sev1", "sev2", "sev3", "sev4"]
"""sev1 is the worst."""


class IncidentRaised(Event, frozen=True):
    """Something is wrong, until the incident is closed."""

    incident_id: str
    title: str
    severity: Severity
    description: str
    check_id: str
    """The check that has found it; empty: somebody told."""


class IncidentClosed(Event, frozen=True):
    """What was wrong is so no more, or is no matter of this incident."""

    incident_id: str
    reason: str


def open_incident(dossier: Dossier, **fields: str) -> IncidentRaised | None:
    """Return the newest incident with these field values, if it is open."""
    incident = dossier.find(IncidentRaised, **fields)
    if incident is None or dossier.has(IncidentClosed, incident_id=incident.incident_id):
        return None
    return incident
