"""What has happened, said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hecate.guide_venture.sentences import sentence

STORED = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden" / "events.ndjson").read_text("utf-8").splitlines()
]
NAMES = {"inc-1": "logins fail", "check-1": "web"}
SUITE = {
    "suite_type": "unit",
    "outcome": "passed",
    "total": 42,
    "passed": 42,
    "flaky": [],
    "failures": [],
    "reason": "",
}


@pytest.mark.parametrize("event", STORED, ids=lambda event: str(event["type"]))
def test_every_event_ever_stored_has_a_sentence(event: dict[str, Any]) -> None:
    """One line of words; without a sentence of its own it is told by its name."""
    text = sentence(event["type"], event["data"], {})
    assert text
    assert "\n" not in text
    assert "_v1" not in text
    assert len(text) < 500


@pytest.mark.parametrize(
    ("type_", "fields", "text"),
    [
        ("venture_setup_v1", {"name": "shop"}, "venture 'shop' set up"),
        ("design_started_v1", {"iteration": 1}, "design started"),
        ("design_started_v1", {"iteration": 3}, "design started again, iteration 3"),
        ("testing_paused_v1", {"reason": "asking\n the users"}, "testing paused: asking the users"),
        ("plan_completed_v1", {}, "plan completed"),
        ("event_designed_v1", {"event_name": "paid", "aggregate_name": ""}, "event 'paid' designed"),
        ("event_designed_v1", {"event_name": "paid", "aggregate_name": "order"}, "event 'paid' of 'order' designed"),
        ("dependency_planned_v1", {"from_desk": "show", "to_desk": "pay"}, "desk 'show' needs 'pay'"),
        (
            "desks_sequenced_v1",
            {"sprint_number": 1, "desk_names": list("abcdefg")},
            "sprint 1 is a, b, c, d, e and 2 more",
        ),
        ("skeleton_generated_v1", {"files": [1], "conflicts": []}, "skeleton generated: 1 file"),
        (
            "desk_generated_v1",
            {"desk_name": "pay", "files": [1, 2], "conflicts": ["a", "b"]},
            "desk 'pay' generated: 2 files; 2 changed files left as they are",
        ),
        ("test_suite_finished_v1", SUITE, "unit tests passed: 42 of 42"),
        ("test_suite_finished_v1", SUITE | {"flaky": ["a"]}, "unit tests passed: 42 of 42, 1 of them flaky"),
        (
            "test_suite_finished_v1",
            SUITE | {"outcome": "failed", "passed": 41, "failures": [{"name": "test_pay"}]},
            "unit tests failed: 41 of 42 passed, first test_pay",
        ),
        (
            "test_suite_finished_v1",
            SUITE | {"outcome": "timed_out", "reason": "60 s are over"},
            "unit tests took too long: 60 s are over",
        ),
        ("test_suite_finished_v1", SUITE | {"outcome": "interrupted"}, "unit tests were interrupted"),
        (
            "release_deployed_v1",
            {"version": "1.1.0", "target": "local", "previous_version": "1.0.0"},
            "release 1.1.0 is live on local, after 1.0.0",
        ),
        ("release_deployed_v1", {"version": "1.0.0", "target": "", "previous_version": None}, "release 1.0.0 is live"),
        ("application_failed_v1", {"reason": "it ended 5 times"}, "application failed: it ended 5 times"),
        (
            "plan_proposed_v1",
            {"model": "ollama/llama3.2", "desks": [1, 2]},
            "ollama/llama3.2 proposed 2 desks",
        ),
        (
            "release_failed_v1",
            {"version": "1.1.0", "stage": "health", "reason": "no answer"},
            "release 1.1.0 failed at health: no answer",
        ),
        (
            "release_rolled_back_v1",
            {"from_version": "1.1.0", "to_version": "1.0.0", "reason": ""},
            "release 1.1.0 rolled back to release 1.0.0",
        ),
        (
            "rollout_staged_v1",
            {"version": "1.1.0", "percentage": 25.0, "stage": "canary"},
            "release 1.1.0 rolled out to 25 % (canary)",
        ),
        (
            "health_status_recorded_v1",
            {"check_id": "check-1", "status": "unhealthy", "message": "refused"},
            "check 'web' is unhealthy: refused",
        ),
        ("health_status_recorded_v1", {"check_id": "check-2", "status": "healthy"}, "check check-2 is healthy"),
        ("incident_raised_v1", {"title": "logins fail", "severity": "sev1"}, "incident 'logins fail' raised, sev1"),
        ("incident_closed_v1", {"incident_id": "inc-1", "reason": ""}, "incident 'logins fail' closed"),
        (
            "incident_diagnosed_v1",
            {"incident_id": "inc-1", "root_cause": "a leak", "diagnosis": "memory"},
            "incident 'logins fail' diagnosed: a leak",
        ),
        ("fix_failed_v1", {"incident_id": "inc-1", "reason": "tests fail"}, "fix of 'logins fail' failed: tests fail"),
        ("redesign_escalated_v1", {"reason": "wrong boundary"}, "redesign asked for: wrong boundary"),
    ],
)
def test_sentences(type_: str, fields: dict[str, Any], text: str) -> None:
    """Names of checks and incidents stand for their ids."""
    assert sentence(type_, fields, NAMES) == text


@pytest.mark.parametrize(
    ("type_", "fields", "text"),
    [
        ("kettle_boiled_v1", {}, "kettle boiled"),
        ("kettle_boiled_v2", {"kettle_name": "big", "litres": 2}, "kettle boiled: big"),
        ("incident_raised_v9", {"headline": "x"}, "incident raised"),
        ("test_suite_finished_v1", {}, "test suite finished"),
        ("desks_sequenced_v1", {"sprint_number": 1, "desk_names": None}, "desks sequenced"),
    ],
)
def test_what_is_not_known_is_told_by_its_name(type_: str, fields: dict[str, Any], text: str) -> None:
    """An event of a later version, or of a process that is new."""
    assert sentence(type_, fields, {}) == text


def test_what_is_long_is_cut() -> None:
    """A line has an end."""
    text = sentence("redesign_escalated_v1", {"reason": "because " * 10_000}, {})
    assert len(text) < 250
    assert text.endswith("…")
