"""How healthy a division is: from its incidents and its checks, on every list that shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calling import Caller


class Monitored:
    """A division whose monitoring is active, and which nothing polls: its checks are asked once an hour, later."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.venture_id = caller.discovering()
        self.id = caller.division(self.venture_id)
        self.does("start")

    def does(self, command: str, **fields: Any) -> Any:
        """Send a command to its monitoring."""
        return self.caller.done(f"/api/divisions/{self.id}/monitor/{command}", fields)

    def check(self, name: str = "api") -> str:
        """Register a check that nothing answers, of which one failure does not matter, and return its id."""
        body = {
            "name": name,
            "type": "tcp",
            "target": "127.0.0.1:1",
            "interval_seconds": 3600,
            "failure_threshold": 100,
        }
        check_id: str = self.does("check", **body)["id"]
        return check_id

    @property
    def health(self) -> str:
        """Its health, on which all answers agree."""
        status = self.caller.get(f"/api/ventures/{self.venture_id}/status").json["divisions"]["auth"]
        (listed,) = self.caller.get(f"/api/ventures/{self.venture_id}/divisions").json["divisions"]
        shown = self.caller.get(f"/api/divisions/{self.id}").json["division"]
        assert status["health"] == listed["health"] == shown["health"]
        health: str = status["health"]
        return health


@pytest.fixture
def division(caller: Caller) -> Monitored:
    """A division that was just begun to be monitored."""
    return Monitored(caller)


@pytest.mark.parametrize(
    ("severity", "health"), [("sev1", "down"), ("sev2", "down"), ("sev3", "degraded"), ("sev4", "degraded")]
)
def test_an_open_incident_says_it(division: Monitored, severity: str, health: str) -> None:
    """By its severity, until it is closed."""
    assert division.health == "unknown"
    incident_id = division.does("incident", title="logins fail", severity=severity)["id"]
    assert division.health == health
    division.does("close", incident_id=incident_id)
    assert division.health == "ok"


def test_the_worst_of_several_counts(division: Monitored) -> None:
    """And when it is closed, the next one does."""
    ids = [division.does("incident", title=severity, severity=severity)["id"] for severity in ("sev4", "sev1", "sev2")]
    assert division.health == "down"
    for incident_id, health in zip(reversed(ids), ("down", "degraded", "ok"), strict=True):
        division.does("close", incident_id=incident_id)
        assert division.health == health


def test_checks_say_it(division: Monitored) -> None:
    """Unknown before the first status; degraded while one is not healthy; without it, as the others say."""
    check_id, other = division.check(), division.check("db")
    assert division.health == "unknown"
    division.does("status", check_id=check_id, status="healthy")
    assert division.health == "ok"
    for status in ("unhealthy", "degraded"):
        division.does("status", check_id=other, status=status)
        assert division.health == "degraded"
    division.does("retire", check_id=other)
    assert division.health == "ok"
    division.does("retire", check_id=check_id)
    assert division.health == "unknown"


def test_after_an_incident_the_checks_must_pass(division: Monitored) -> None:
    """A closed incident alone makes nothing well."""
    check_id = division.check()
    division.does("status", check_id=check_id, status="unhealthy")
    incident_id = division.does("incident", title="logins fail", severity="sev1")["id"]
    division.does("close", incident_id=incident_id)
    assert division.health == "degraded"
    division.does("status", check_id=check_id, status="healthy")
    assert division.health == "ok"


def test_the_health_outlives_the_watch(division: Monitored) -> None:
    """Monitoring is over, and the incident is still open; closing it does not bring monitoring back."""
    incident_id = division.does("incident", title="logins fail", severity="sev1")["id"]
    division.does("complete")
    division.caller.done(f"/api/divisions/{division.id}/design/start")
    assert division.health == "down"
    division.does("close", incident_id=incident_id)
    assert division.health == "ok"
    shown = division.caller.get(f"/api/divisions/{division.id}").json["division"]
    assert (shown["process"], shown["state"]) == ("design_division", "active")
