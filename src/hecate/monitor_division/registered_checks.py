"""What a dossier knows of its checks: that they were registered, and retired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Event
from hecate.monitor_division.raised_incidents import Severity
from hecate.monitor_division.targets import CheckType

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier


class HealthCheckRegistered(Event, frozen=True):
    """The daemon polls something while monitoring is active."""

    check_id: str
    name: str
    type: CheckType
    target: str
    interval_seconds: float
    timeout_seconds: float
    failure_threshold: int
    expected_status: int
    """0: the check is not of type http."""
    expected_body: str
    severity: Severity


class HealthCheckRetired(Event, frozen=True):
    """The check is polled no more."""

    check_id: str
    reason: str


def registered_check(dossier: Dossier, check_id: str) -> HealthCheckRegistered:
    """Return the registration of the check *check_id*.

    Raises:
        Refused: There is no such check, or it was retired.
    """
    check = dossier.find(HealthCheckRegistered, check_id=check_id)
    if check is None:
        raise Refused(f"there is no check {check_id!r}; register it first")
    if dossier.has(HealthCheckRetired, check_id=check_id):
        raise Refused(f"check {check.name!r} was retired")
    return check
