"""Where each division of a venture stands: the process that was touched last and is not finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.calling import Caller, Reply
from tests.rest.asgi import ask
from tests.whole_application import whole_application

CYCLE = ("design", "plan", "generate", "test", "deploy", "monitor")
PHASES = {
    "design": "anp",
    "plan": "anp",
    "generate": "tni",
    "test": "tni",
    "deploy": "dno",
    "monitor": "dno",
    "rescue": "dno",
}


class Division:
    """A division to which things happen."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.venture_id = caller.discovering()
        self.id = caller.division(self.venture_id)

    def does(self, *commands: str) -> None:
        """Send commands such as ``design/start``."""
        for command in commands:
            self.caller.done(f"/api/divisions/{self.id}/{command}")

    @property
    def standing(self) -> tuple[str, str]:
        """Its process and state, on which all answers agree."""
        status = self.caller.get(f"/api/ventures/{self.venture_id}/status").json["divisions"]["auth"]
        (listed,) = self.caller.get(f"/api/ventures/{self.venture_id}/divisions").json["divisions"]
        shown = self.caller.get(f"/api/divisions/{self.id}").json["division"]
        for answer in (listed, shown):
            assert (answer["process"], answer["state"], answer["health"]) == (
                status["process"],
                status["state"],
                status["health"],
            )
            assert answer["current_phase"] == PHASES[status["process"].removesuffix("_division")]
        assert shown["status"] == listed["status"] == shown["processes"][status["process"]]["status"]
        assert shown["available_actions"] == listed["available_actions"]
        return status["process"].removesuffix("_division"), status["state"]


@pytest.fixture
def division(caller: Caller) -> Division:
    """A division that was just discovered."""
    return Division(caller)


def test_at_first_its_design_is_pending(division: Division) -> None:
    """Nothing has been touched."""
    assert division.standing == ("design", "pending")


def test_it_goes_through_the_cycle(division: Division) -> None:
    """While a process is under way it is shown, then the next one, pending; at the end, the last."""
    for process, following in zip(CYCLE, (*CYCLE[1:], ""), strict=True):
        division.does(f"{process}/start")
        assert division.standing == (process, "active")
        division.does(f"{process}/pause")
        assert division.standing == (process, "paused")
        division.does(f"{process}/resume", f"{process}/complete")
        assert division.standing == ((following, "pending") if following else (process, "completed"))


def test_the_process_touched_last_is_shown(division: Division) -> None:
    """Of several that are under way."""
    division.does("design/start", "plan/start")
    assert division.standing == ("plan", "active")
    division.caller.done(f"/api/divisions/{division.id}/design/aggregate", {"aggregate_name": "user"})
    assert division.standing == ("design", "active")
    division.does("plan/pause")
    assert division.standing == ("plan", "paused")


def test_a_finished_process_gives_way_to_one_that_is_not(division: Division) -> None:
    """Also one that was touched long before."""
    division.does("design/start", "design/pause", "plan/start", "generate/start", "generate/complete")
    assert division.standing == ("plan", "active")
    division.does("plan/archive")
    assert division.standing == ("design", "paused")
    division.does("design/archive")
    assert division.standing == ("test", "pending")


def test_after_a_process_out_of_order_comes_the_next_one(division: Division) -> None:
    """Who left out the design is not sent back to it, until there is nothing else."""
    division.does("deploy/start", "deploy/complete")
    assert division.standing == ("monitor", "pending")
    division.does("monitor/start", "monitor/complete")
    assert division.standing == ("design", "pending")


def test_a_rescue_is_shown_while_it_lasts(division: Division) -> None:
    """It is no step of the cycle; after it comes what had not begun."""
    division.does("design/start", "design/complete", "rescue/start")
    assert division.standing == ("rescue", "active")
    division.does("rescue/complete")
    assert division.standing == ("plan", "pending")


@pytest.mark.parametrize("process", ["monitor", "rescue"])
def test_a_process_that_watches_starts_again(division: Division, process: str) -> None:
    """Whenever it is completed: that is its next iteration."""
    division.does(f"{process}/start", f"{process}/complete", f"{process}/start")
    assert division.standing == (process, "active")
    view = division.caller.get(f"/api/divisions/{division.id}").json["division"]["processes"][f"{process}_division"]
    assert (view["iteration"], view["completed_at"], view["available_actions"][-3:]) == (
        2,
        None,
        ["pause", "complete", "archive"],
    )


def test_a_pause_keeps_its_reason_until_it_is_over(division: Division) -> None:
    """Then it is gone from the read model; the event stays."""

    def view() -> Any:
        return division.caller.get(f"/api/divisions/{division.id}/designs").json["process"]

    division.does("design/start")
    division.caller.done(f"/api/divisions/{division.id}/design/pause", {"reason": "asking the users"})
    assert (view()["pause_reason"], view()["paused_at"] is None) == ("asking the users", False)
    division.does("design/resume")
    assert (view()["pause_reason"], view()["paused_at"]) == (None, None)
    division.does("design/pause", "design/archive")
    assert (view()["pause_reason"], view()["paused_at"], view()["archived_at"] is None) == (None, None, False)


def test_divisions_are_shown_in_the_order_of_their_discovery(caller: Caller) -> None:
    """By their names, each with its own."""
    venture_id = caller.discovering()
    for name in ("zebra", "auth", "billing"):
        caller.division(venture_id, name)
    answer = caller.get(f"/api/ventures/{venture_id}/status").json
    assert list(answer["divisions"]) == ["zebra", "auth", "billing"]
    assert {standing["health"] for standing in answer["divisions"].values()} == {"unknown"}


def test_a_venture_without_divisions_has_none(caller: Caller) -> None:
    """An empty object, not an absent one."""
    assert caller.get(f"/api/ventures/{caller.venture()}/status").json["divisions"] == {}


@pytest.mark.parametrize("path", ["", "/designs", "/rescues", "/events"])
def test_an_unknown_division_is_not_found(caller: Caller, path: str) -> None:
    """404, and the sentence names it."""
    reply = caller.get(f"/api/divisions/div-nobody{path}")
    assert (reply.status, reply.code, reply.json["error"]) == (404, "not_found", "there is no division 'div-nobody'")


async def test_strict_gates_are_closed_until_the_process_before_is_completed(tmp_path: Path) -> None:
    """409 ``gate_closed``, nothing is appended, and the sentence says what must be completed."""
    with whole_application(tmp_path, strict_gates=True) as app:

        async def post(path: str, body: bytes = b"") -> Reply:
            return await ask(app, "POST", path, body)

        venture_id = (await post("/api/ventures", b'{"name": "strict"}')).json["id"]
        await post(f"/api/ventures/{venture_id}/discovery/start")
        discovered = await post(f"/api/ventures/{venture_id}/discovery/discover", b'{"division_name": "auth"}')
        path = f"/api/divisions/{discovered.json['id']}"
        refused = await post(f"{path}/plan/start")
        assert (refused.status, refused.code) == (409, "gate_closed")
        assert "design_division is pending and must be completed first" in refused.json["error"]
        assert (await ask(app, "GET", f"{path}/plans")).json["process"]["version"] == 0
        await post(f"{path}/design/start")
        assert (await post(f"{path}/plan/start")).code == "gate_closed"
        await post(f"{path}/design/complete")
        granted = await post(f"{path}/plan/start")
        assert granted.status == 201
        assert "warnings" not in granted.json
