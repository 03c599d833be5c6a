"""A redesign opens the completed processes of its division, and of no other, for their next iteration."""

from __future__ import annotations

import pytest

from tests.calling import Caller


def escalated(caller: Caller, division_id: str, reason: str = "the model does not hold") -> None:
    """Escalate a division for redesign; the same *reason* a second time is refused."""
    path = f"/api/divisions/{division_id}/rescue"
    if caller.get(f"/api/divisions/{division_id}/rescues").json["process"]["state"] != "active":
        caller.done(f"{path}/start")
    caller.done(f"{path}/escalate", {"reason": reason})


def standing(caller: Caller, division_id: str, process: str) -> tuple[str, int, bool]:
    """Return a process's state, its iteration, and whether it may be started."""
    shown = caller.get(f"/api/divisions/{division_id}").json["division"]["processes"][f"{process}_division"]
    return shown["state"], shown["iteration"], "start" in shown["available_actions"]


@pytest.mark.parametrize("process", ["design", "plan", "generate", "test", "deploy"])
def test_a_completed_process_begins_its_next_iteration(caller: Caller, process: str) -> None:
    """Once for each redesign; at once, in the answer after the escalation's."""
    division_id = caller.division_with(**{process: "completed"})
    path = f"/api/divisions/{division_id}/{process}"
    assert standing(caller, division_id, process) == ("completed", 1, False)
    assert caller.post(f"{path}/start").code == "invalid_state"
    escalated(caller, division_id)
    assert standing(caller, division_id, process) == ("completed", 1, True)
    started = caller.done(f"{path}/start")
    assert started["events"][0]["data"] == {"iteration": 2}
    assert standing(caller, division_id, process) == ("active", 2, False)
    caller.done(f"{path}/complete")
    assert standing(caller, division_id, process) == ("completed", 2, False)
    assert caller.post(f"{path}/start").code == "invalid_state"
    escalated(caller, division_id, "it still does not hold")
    assert caller.done(f"{path}/start")["events"][0]["data"] == {"iteration": 3}


def test_what_it_was_before_is_said_in_a_refusal(caller: Caller) -> None:
    """Another command than start is refused still, and the refusal names start."""
    division_id = caller.division_with(design="completed")
    escalated(caller, division_id)
    reply = caller.post(f"/api/divisions/{division_id}/design/aggregate", {"aggregate_name": "user"})
    assert (reply.code, reply.json["available_actions"]) == ("invalid_state", ["start", "archive"])


def test_a_process_that_is_not_completed_goes_on(caller: Caller) -> None:
    """It is not begun anew, and is not opened later by a redesign that came before its end."""
    division_id = caller.division_with(design="active", plan="paused", generate="archived")
    escalated(caller, division_id)
    for process, state in {"design": "active", "plan": "paused", "generate": "archived"}.items():
        assert standing(caller, division_id, process) == (state, 1, False)
    caller.done(f"/api/divisions/{division_id}/design/complete")
    assert standing(caller, division_id, "design") == ("completed", 1, False)


def test_other_divisions_are_left_alone(caller: Caller) -> None:
    """Also of the same venture, and its discovery too."""
    venture_id = caller.discovering()
    division_id, other = caller.division(venture_id, "auth"), caller.division(venture_id, "billing")
    for one in (division_id, other):
        caller.bring(f"/api/divisions/{one}/design", "completed")
    caller.done(f"/api/ventures/{venture_id}/discovery/complete")
    escalated(caller, division_id)
    assert standing(caller, other, "design") == ("completed", 1, False)
    assert caller.post(f"/api/divisions/{other}/design/start").code == "invalid_state"
    assert caller.post(f"/api/ventures/{venture_id}/discovery/start").code == "invalid_state"


def test_the_list_of_divisions_says_so_too(caller: Caller) -> None:
    """What may be done next is the same wherever it is shown."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    for process in ("design", "plan", "generate", "test", "deploy", "monitor"):
        caller.bring(f"/api/divisions/{division_id}/{process}", "completed")
    escalated(caller, division_id)
    caller.done(f"/api/divisions/{division_id}/rescue/complete")
    [listed] = caller.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
    shown = caller.get(f"/api/divisions/{division_id}").json["division"]
    assert listed["available_actions"] == shown["available_actions"]
    assert "start" in listed["available_actions"]
