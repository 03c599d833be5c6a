"""Desk: record the status of a check.

    POST /api/divisions/{division_id}/monitor/status
    {"check_id": "chk-0193f2a1b3c000112345", "status": "healthy", "latency_ms": 12.5}

For whoever polls, the daemon itself or somebody elsewhere.  A status in which nothing has changed adds nothing.
``unhealthy`` after as many failures in a row as the check allows raises an incident, unless the one that it
has raised before is still open; ``healthy`` closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Name
from hecate.monitor_division.raised_incidents import IncidentClosed, IncidentRaised, open_incident
from hecate.monitor_division.registered_checks import HealthCheckRegistered, registered_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Status = Literal["healthy", "degraded", "unhealthy"]
"""``degraded`` is for those who know more than whether it answers: the daemon's own polls never say so."""

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
Message = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")]
FailuresInARow = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]


class RecordStatus(Command, frozen=True):
    """Tell how a check stands."""

    check_id: Name
    status: Status
    latency_ms: Milliseconds | None = None
    message: Message = ""
    """Why it is not healthy."""
    failures_in_a_row: FailuresInARow = 1
    """As many as were seen until now; counts where the status is ``unhealthy``."""


class HealthStatusRecorded(Event, frozen=True):
    """A check stands otherwise than before."""

    status_id: str
    check_id: str
    status: Status
    latency_ms: float | None
    message: str


def decide(dossier: Dossier, command: RecordStatus) -> Sequence[Event]:
    """Record what has changed, and raise or close the check's incident.

    Raises:
        Refused: There is no such check, or it was retired.
    """
    check = registered_check(dossier, command.check_id)
    recorded = HealthStatusRecorded(
        status_id=dossier.new_id("hs"),
        check_id=command.check_id,
        status=command.status,
        latency_ms=command.latency_ms,
        message=command.message,
    )
    incident = open_incident(dossier, check_id=command.check_id)
    # The status comes last: its id is the answer's.
    if command.status == "healthy" and incident is not None:
        return [IncidentClosed(incident_id=incident.incident_id, reason=f"check {check.name!r} passes again"), recorded]
    if command.status == "unhealthy" and incident is None and command.failures_in_a_row >= check.failure_threshold:
        return [_incident(dossier, check, command), recorded]
    before = dossier.find(HealthStatusRecorded, check_id=command.check_id)
    if before is not None and _says(before) == _says(recorded):
        return []
    return [recorded]


def _says(status: HealthStatusRecorded) -> tuple[str, float | None, str]:
    return status.status, status.latency_ms, status.message


def _incident(dossier: Dossier, check: HealthCheckRegistered, command: RecordStatus) -> IncidentRaised:
    count = command.failures_in_a_row
    return IncidentRaised(
        incident_id=dossier.new_id("inc"),
        title=f"check {check.name!r} fails",
        severity=check.severity,
        description=(f"{count} times in a row" if count > 1 else "once") + f": {command.message or 'no reason given'}",
        check_id=check.check_id,
    )


DESK = Desk(
    path="status",
    command=RecordStatus,
    events=(HealthStatusRecorded, IncidentRaised, IncidentClosed),
    decide=decide,
    makes="status_id",
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
        ),
        when=RecordStatus(check_id="chk-1", status="healthy", latency_ms=12.5),
        then=(HealthStatusRecorded(status_id="hs-", check_id="chk-1", status="healthy", latency_ms=12.5, message=""),),
    ),
)
