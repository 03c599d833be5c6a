"""Desk: register a health check.

    POST /api/divisions/{division_id}/monitor/check
    {"name": "api", "type": "http", "target": "http://127.0.0.1:8000/health", "interval_seconds": 10}

The daemon polls it on its interval while monitoring is active.  An http check passes when the answer has
``expected_status`` and its first 64 KiB contain ``expected_body``; redirects are not followed.  A tcp check
passes when a connection is made, a command when it ends with status 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import Command, Event, Name
from hecate.monitor_division.raised_incidents import Severity
from hecate.monitor_division.registered_checks import HealthCheckRegistered, HealthCheckRetired
from hecate.monitor_division.targets import CheckType, check_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

TIMEOUT_SECONDS = 5.0

Target = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
IntervalSeconds = Annotated[float, msgspec.Meta(ge=1, le=86_400)]
TimeoutSeconds = Annotated[float, msgspec.Meta(ge=0.1, le=300)]
Threshold = Annotated[int, msgspec.Meta(ge=1, le=100)]
HttpStatus = Annotated[int, msgspec.Meta(ge=100, le=599)]
ExpectedBody = Annotated[str, msgspec.Meta(max_length=10_000)]


class RegisterCheck(Command, frozen=True):
    """Ask that something is polled."""

    name: Name
    target: Target
    """A URL, a host with a port, or a command line, by ``type``."""
    type: CheckType = "http"
    interval_seconds: IntervalSeconds = 30.0
    timeout_seconds: TimeoutSeconds | None = None
    """Null: 5 s, or the interval if that is shorter."""
    failure_threshold: Threshold = 3
    """After so many failures in a row the check is unhealthy, and raises an incident."""
    expected_status: HttpStatus | None = None
    """Of an http check; null: 200."""
    expected_body: ExpectedBody = ""
    """What the body of an http check must contain."""
    severity: Severity = "sev2"
    """Of the incident that it raises."""


def decide(dossier: Dossier, command: RegisterCheck) -> Sequence[Event]:
    """Have a check polled, under a name that no other check of the division has.

    Raises:
        Invalid: The target cannot be asked, or not by a check of that type, or the time limit is longer
            than the interval.
        Refused: A check has the name.
    """
    check_target(command.type, command.target)
    if command.type != "http" and (command.expected_status is not None or command.expected_body):
        field = "expected_body" if command.expected_status is None else "expected_status"
        raise Invalid(f"only a check of type http has an {field}, not one of type {command.type} - at `$.{field}`")
    timeout_seconds = command.timeout_seconds or min(TIMEOUT_SECONDS, command.interval_seconds)
    if timeout_seconds > command.interval_seconds:
        # A check would be due again before it is known how the last poll went.
        raise Invalid(
            f"timeout_seconds ({timeout_seconds:g}) must not be longer than interval_seconds "
            f"({command.interval_seconds:g}) - at `$.timeout_seconds`"
        )
    earlier = dossier.find(HealthCheckRegistered, name=command.name)
    if earlier is not None and not dossier.has(HealthCheckRetired, check_id=earlier.check_id):
        raise Refused(f"check {command.name!r} is registered already; retire it first, or use another name")
    status = (command.expected_status or 200) if command.type == "http" else 0
    return [
        HealthCheckRegistered(
            check_id=dossier.new_id("chk"),
            name=command.name,
            type=command.type,
            target=command.target,
            interval_seconds=command.interval_seconds,
            timeout_seconds=timeout_seconds,
            failure_threshold=command.failure_threshold,
            expected_status=status,
            expected_body=command.expected_body,
            severity=command.severity,
        )
    ]


DESK = Desk(
    path="check",
    command=RegisterCheck,
    events=(HealthCheckRegistered,),
    decide=decide,
    makes="check_id",
    example=Example(
        when=RegisterCheck(name="api", target="http://127.0.0.1:8000/health", interval_seconds=10.0),
        then=(
            HealthCheckRegistered(
                check_id="chk-",
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
    ),
)
