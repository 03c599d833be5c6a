"""Events and checks that the tests of monitoring begin with."""

from __future__ import annotations

from typing import Any

from hecate.monitor_division.raised_incidents import IncidentClosed, IncidentRaised
from hecate.monitor_division.registered_checks import HealthCheckRegistered
from hecate.monitor_division.watched_checks import WatchedCheck


def registered(name: str = "api", **fields: Any) -> HealthCheckRegistered:
    """Return the event of a check whose id is made of its name."""
    defaults: dict[str, Any] = {
        "check_id": f"chk-{name}",
        "name": name,
        "type": "http",
        "target": "http://127.0.0.1:8000/health",
        "interval_seconds": 10.0,
        "timeout_seconds": 5.0,
        "failure_threshold": 3,
        "expected_status": 200,
        "expected_body": "",
        "severity": "sev2",
    }
    return HealthCheckRegistered(**{**defaults, **fields})


def raised(incident_id: str = "inc-0", **fields: Any) -> IncidentRaised:
    """Return the event of an incident, which a check has raised if one is named."""
    defaults: dict[str, Any] = {"title": "logins fail", "severity": "sev1", "description": "", "check_id": ""}
    return IncidentRaised(incident_id=incident_id, **{**defaults, **fields})


def closed(incident_id: str = "inc-0", reason: str = "") -> IncidentClosed:
    """Return the event that closes an incident."""
    return IncidentClosed(incident_id=incident_id, reason=reason)


def watched(name: str = "api", **fields: Any) -> WatchedCheck:
    """Return a check that is polled, of which nothing is known yet."""
    defaults: dict[str, Any] = {
        "check_id": f"chk-{name}",
        "division_id": "div-1",
        "venture_id": "v-1",
        "name": name,
        "type": "http",
        "target": "http://127.0.0.1:8000/health",
        "interval_seconds": 10.0,
        "timeout_seconds": 5.0,
        "failure_threshold": 3,
        "expected_status": 200,
        "expected_body": "",
        "status": "unknown",
        "has_incident": False,
        "counts_since": 0,
    }
    return WatchedCheck(**{**defaults, **fields})
