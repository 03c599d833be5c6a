"""Policy: an incident that takes the division down starts its rescue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calling import Caller
from tests.daemon.child import wait_until


def raise_incident(caller: Caller, division_id: str, severity: str, title: str = "it is down") -> None:
    """Raise an incident."""
    caller.done(f"/api/divisions/{division_id}/monitor/incident", {"title": title, "severity": severity})


def rescue(caller: Caller, division_id: str) -> tuple[str, int]:
    """Return the state of the rescue and its iteration."""
    process: Any = caller.get(f"/api/divisions/{division_id}/rescues").json["process"]
    return process["state"], process["iteration"]


@pytest.mark.parametrize("severity", ["sev1", "sev2"])
def test_a_bad_incident_starts_the_rescue(caller: Caller, severity: str) -> None:
    """Once, however many there are."""
    division_id = caller.division_with(monitor="active")
    raise_incident(caller, division_id, severity)
    wait_until(lambda: rescue(caller, division_id) == ("active", 1))
    events = caller.get(f"/api/divisions/{division_id}/events").json["events"]
    (started,) = (event for event in events if event["type"] == "rescue_started_v1")
    assert started["meta"]["actor"] == {"policy": "on_incident_raised_maybe_start_rescue"}


def test_a_completed_rescue_begins_again(caller: Caller) -> None:
    """As its next iteration; one that is active or paused stays as it is."""
    division_id = caller.division_with(monitor="active", rescue="completed")
    raise_incident(caller, division_id, "sev1")
    wait_until(lambda: rescue(caller, division_id) == ("active", 2))
    caller.done(f"/api/divisions/{division_id}/rescue/pause")
    raise_incident(caller, division_id, "sev1", "it is down again")
    other = caller.division_with(monitor="active")
    raise_incident(caller, other, "sev1")
    # The policy takes incidents in their order: when it has come to the other's, it has seen this one.
    wait_until(lambda: rescue(caller, other) == ("active", 1))
    assert rescue(caller, division_id) == ("paused", 2)


def test_a_lesser_incident_starts_nothing(caller: Caller) -> None:
    """Somebody may start the rescue all the same."""
    division_id = caller.division_with(monitor="active")
    raise_incident(caller, division_id, "sev3")
    other = caller.division_with(monitor="active")
    raise_incident(caller, other, "sev1")
    wait_until(lambda: rescue(caller, other) == ("active", 1))
    assert rescue(caller, division_id) == ("pending", 0)
