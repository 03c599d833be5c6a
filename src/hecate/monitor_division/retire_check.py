"""Desk: retire a health check.

    POST /api/divisions/{division_id}/monitor/retire
    {"check_id": "chk-0193f2a1b3c000112345", "reason": "the service is gone"}

Its name is free again.  The incident that it has raised is closed, since nothing would tell of a recovery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Name, Text
from hecate.monitor_division.raised_incidents import IncidentClosed, IncidentRaised, open_incident
from hecate.monitor_division.registered_checks import HealthCheckRegistered, HealthCheckRetired, registered_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RetireCheck(Command, frozen=True):
    """Ask that a check is polled no more."""

    check_id: Name
    reason: Text = ""


def decide(dossier: Dossier, command: RetireCheck) -> Sequence[Event]:
    """Retire a registered check, and close its incident.

    Raises:
        Refused: There is no such check, or it was retired before.
    """
    check = registered_check(dossier, command.check_id)
    retired = HealthCheckRetired(check_id=check.check_id, reason=command.reason)
    incident = open_incident(dossier, check_id=check.check_id)
    if incident is None:
        return [retired]
    return [IncidentClosed(incident_id=incident.incident_id, reason=f"check {check.name!r} was retired"), retired]


DESK = Desk(
    path="retire",
    command=RetireCheck,
    events=(HealthCheckRetired, IncidentClosed),
    decide=decide,
    example=Example(
        given=(
            HealthCheckRegistered(
                check_id="chk-1",
                name="api",
                type="http",
                target="http://127.0.0.1:8000/health",
                interval_seconds=10.0,
                timeout_seconds=5.0,
                failure_threshold=3,
                expected_status=200,
                expected_body="",
                severity="sev2",
            ),
            IncidentRaised(
                incident_id="inc-1",
                title="check 'api' fails",
                severity="sev2",
                description="3 times in a row: connection refused",
                check_id="chk-1",
            ),
        ),
        when=RetireCheck(check_id="chk-1", reason="the service is gone"),
        then=(
            IncidentClosed(incident_id="inc-1", reason="check 'api' was retired"),
            HealthCheckRetired(check_id="chk-1", reason="the service is gone"),
        ),
    ),
)
