"""What a status leads to: an incident after enough failures, one and not one more, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Event
from hecate.monitor_division import PROCESS
from hecate.monitor_division.record_status import DESK, HealthStatusRecorded, RecordStatus
from hecate.monitor_division.registered_checks import HealthCheckRetired
from tests.deciding import decided
from tests.monitor_division.registrations import closed, raised, registered

INCIDENT = raised(check_id="chk-api", severity="sev2")


def recorded(status: Any, message: str = "") -> HealthStatusRecorded:
    """Return the event of a status."""
    return HealthStatusRecorded(status_id="hs-1", check_id="chk-api", status=status, latency_ms=None, message=message)


def record(status: Any, *given: Event, failures: int = 1, message: str = "") -> list[Event]:
    """Return what follows when the check is found in *status*."""
    command = RecordStatus(check_id="chk-api", status=status, message=message, failures_in_a_row=failures)
    return decided(PROCESS, DESK, command, (registered(), *given))


def test_enough_failures_raise_one_incident() -> None:
    """In one decision with the status, whose id is the answer's; fewer do not."""
    assert record("unhealthy", failures=2, message="refused") == [recorded("unhealthy", "refused")]
    (incident, status) = record("unhealthy", failures=3, message="refused")
    assert incident == raised("inc-1", check_id="chk-api", title="check 'api' fails", severity="sev2",
                              description="3 times in a row: refused")  # fmt: skip
    assert status == recorded("unhealthy", "refused")


def test_an_open_incident_is_not_raised_again() -> None:
    """However often it fails."""
    assert record("unhealthy", INCIDENT, recorded("unhealthy"), failures=99) == []
    assert record("unhealthy", INCIDENT, recorded("unhealthy"), failures=99, message="other") == [
        recorded("unhealthy", "other")
    ]


def test_after_it_was_closed_the_next_one_is_raised() -> None:
    """Enough failures in a row are as many as the reporter has seen."""
    assert [type(event).__name__ for event in record("unhealthy", INCIDENT, closed(), failures=3)] == [
        "IncidentRaised",
        "HealthStatusRecorded",
    ]


def test_a_recovery_closes_the_checks_own_incident() -> None:
    """And no other."""
    others = raised("inc-7", title="logins fail")
    assert record("healthy", others, INCIDENT, recorded("unhealthy")) == [
        closed(reason="check 'api' passes again"),
        recorded("healthy"),
    ]
    assert record("healthy", others, recorded("unhealthy")) == [recorded("healthy")]


def test_a_degraded_check_raises_and_closes_nothing() -> None:
    """It is between the two."""
    assert record("degraded", INCIDENT, failures=9) == [recorded("degraded")]


def test_a_status_in_which_nothing_changes_adds_nothing() -> None:
    """The same again is no event; another message or latency is."""
    assert record("healthy", recorded("healthy")) == []
    assert record("healthy", recorded("healthy", "slow")) == [recorded("healthy")]
    assert record("healthy", recorded("unhealthy"), recorded("healthy")) == []


def test_a_status_is_of_a_registered_check() -> None:
    """Unknown and retired ones are refused."""
    with pytest.raises(Refused, match="there is no check 'chk-x'"):
        decided(PROCESS, DESK, RecordStatus(check_id="chk-x", status="healthy"))
    with pytest.raises(Refused, match="check 'api' was retired"):
        record("healthy", HealthCheckRetired(check_id="chk-api", reason=""))
