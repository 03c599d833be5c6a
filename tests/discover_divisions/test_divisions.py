"""The divisions of a venture, as they are listed."""

from __future__ import annotations

import pytest

from tests.calling import STEPS_TO, Caller


def test_pages_are_in_the_order_of_discovery(caller: Caller) -> None:
    """Each division once."""
    venture_id = caller.discovering()
    made = [caller.division(venture_id, f"d{number}") for number in range(5)]
    seen: list[str] = []
    after = 0
    while after is not None:
        page = caller.get(f"/api/ventures/{venture_id}/divisions?limit=2&after={after}").json
        seen += [division["id"] for division in page["divisions"]]
        after = page["next"]
    assert seen == made


@pytest.mark.parametrize("state", STEPS_TO)
def test_the_list_says_where_the_discovery_stands(caller: Caller, state: str) -> None:
    """Also before it has started; its version is the ETag."""
    venture_id = caller.venture()
    caller.bring(f"/api/ventures/{venture_id}/discovery", state)
    reply = caller.get(f"/api/ventures/{venture_id}/divisions")
    assert reply.json["divisions"] == []
    process = reply.json["process"]
    assert (process["name"], process["state"], process["version"]) == (
        "discover_divisions",
        state,
        len(STEPS_TO[state]),
    )
    assert reply.headers["etag"] == f'"{process["version"]}"'


def test_a_division_says_what_its_process_takes(caller: Caller) -> None:
    """``available_actions`` are those of the process that it shows."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)

    def shown() -> tuple[str, str, int, list[str]]:
        (division,) = caller.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
        assert division["status_label"] == division["state"]
        return division["process"], division["state"], division["status"], division["available_actions"]

    assert shown() == ("design_division", "pending", 0, ["start"])
    caller.bring(f"/api/divisions/{division_id}/plan", "active")
    actions = ["accept", "desk", "dependency", "propose", "sequence", "pause", "complete", "archive"]
    assert shown() == ("plan_division", "active", 3, actions)
    caller.done(f"/api/divisions/{division_id}/plan/pause")
    assert shown() == ("plan_division", "paused", 5, ["resume", "archive"])


def test_a_paused_discovery_takes_no_division(caller: Caller) -> None:
    """Nor does one that is completed; what was discovered stays."""
    venture_id = caller.discovering()
    caller.division(venture_id, "kept")
    for verb in ("pause", "resume", "complete"):
        caller.done(f"/api/ventures/{venture_id}/discovery/{verb}")
        if verb != "resume":
            reply = caller.post(f"/api/ventures/{venture_id}/discovery/discover", {"division_name": verb})
            assert (reply.status, reply.code) == (409, "invalid_state")
    (division,) = caller.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
    assert division["name"] == "kept"


def test_a_completed_discovery_is_not_started_again(caller: Caller) -> None:
    """Once is enough, until a division is escalated for redesign."""
    venture_id = caller.discovering()
    caller.done(f"/api/ventures/{venture_id}/discovery/complete")
    assert caller.post(f"/api/ventures/{venture_id}/discovery/start").code == "invalid_state"
