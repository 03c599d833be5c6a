"""Registering and retiring checks: names, bounds and defaults."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.errors import Invalid, Refused
from hecate.monitor_division import PROCESS
from hecate.monitor_division.register_check import DESK as REGISTER, RegisterCheck
from hecate.monitor_division.registered_checks import HealthCheckRegistered, HealthCheckRetired
from hecate.monitor_division.retire_check import DESK as RETIRE, RetireCheck
from tests.calling import Caller
from tests.deciding import decided
from tests.monitor_division.registrations import closed, raised, registered


def register(**fields: Any) -> HealthCheckRegistered:
    """Return the event of a check registered with *fields*."""
    (event,) = decided(PROCESS, REGISTER, RegisterCheck(**{"name": "api", "target": "http://localhost/", **fields}))
    assert isinstance(event, HealthCheckRegistered)
    return event


def test_a_name_and_a_url_are_enough() -> None:
    """All else has a default."""
    assert register(target="http://127.0.0.1:8000/health") == registered(check_id="chk-1", interval_seconds=30.0)


def test_a_short_interval_shortens_the_time_limit() -> None:
    """A check must not be due again before it is known how the last poll went."""
    assert register(interval_seconds=2.0).timeout_seconds == 2.0
    with pytest.raises(Invalid, match=r"timeout_seconds \(3\) must not be longer than interval_seconds \(2\)"):
        register(interval_seconds=2.0, timeout_seconds=3.0)


@pytest.mark.parametrize(("field", "value"), [("expected_status", 204), ("expected_body", "ok")])
def test_only_http_has_an_answer_to_expect(field: str, value: Any) -> None:
    """A command or a connection has no status and no body."""
    assert getattr(register(**{field: value}), field) == value
    assert register(type="tcp", target="localhost:1").expected_status == 0
    with pytest.raises(Invalid, match=f"only a check of type http has an {field}"):
        register(type="tcp", target="localhost:1", **{field: value})


def test_a_name_is_used_once() -> None:
    """Until its check is retired."""
    given = (registered(),)
    command = RegisterCheck(name="api", target="http://localhost/")
    with pytest.raises(Refused, match="check 'api' is registered already"):
        decided(PROCESS, REGISTER, command, given)
    retired = HealthCheckRetired(check_id="chk-api", reason="")
    assert len(decided(PROCESS, REGISTER, command, (*given, retired))) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interval_seconds", 0.5),
        ("interval_seconds", 86_401),
        ("timeout_seconds", 0),
        ("failure_threshold", 0),
        ("expected_status", 99),
        ("type", "icmp"),
        ("severity", "sev5"),
        ("target", ""),
        ("target", "http://localhost/\n"),
        ("target", "http://169.254.169.254/latest/meta-data"),
    ],
)
def test_what_is_out_of_bounds_is_told_where_it_is(caller: Caller, field: str, value: Any) -> None:
    """400 with the field's place, and nothing is registered."""
    division_id = caller.division_with(monitor="active")
    body = {"name": "api", "target": "http://localhost/", field: value}
    reply = caller.post(f"/api/divisions/{division_id}/monitor/check", body)
    assert (reply.status, reply.code) == (400, "validation_error")
    assert f"`$.{field}`" in reply.json["error"]
    assert caller.get(f"/api/divisions/{division_id}/monitoring").json["monitoring"] == []


def test_a_retired_check_takes_its_incident_along() -> None:
    """Nothing would tell of a recovery; one that was closed before stays as it was."""
    given = (registered(), raised(check_id="chk-api"))
    retired = HealthCheckRetired(check_id="chk-api", reason="gone")
    command = RetireCheck(check_id="chk-api", reason="gone")
    assert decided(PROCESS, RETIRE, command, given) == [closed(reason="check 'api' was retired"), retired]
    assert decided(PROCESS, RETIRE, command, (*given, closed())) == [retired]


def test_what_is_not_registered_cannot_be_retired() -> None:
    """Nor what was retired before."""
    with pytest.raises(Refused, match="there is no check 'chk-x'"):
        decided(PROCESS, RETIRE, RetireCheck(check_id="chk-x"))
    given = (registered(), HealthCheckRetired(check_id="chk-api", reason=""))
    with pytest.raises(Refused, match="check 'api' was retired"):
        decided(PROCESS, RETIRE, RetireCheck(check_id="chk-api"), given)
