"""A venture at a glance."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hecate import catalog
from hecate.deploy_division.releases import on_release_deployed, on_release_rolled_back
from hecate.dossiers.engine import Engine
from hecate.dossiers.read_model import Fact
from hecate.report_health import Uptime
from tests.calling import Caller
from tests.every_route import every_route
from tests.rest.asgi import application, ask


def board(caller: Caller, venture_id: str) -> Any:
    """Return the board of a venture."""
    reply = caller.get(f"/api/ventures/{venture_id}/board")
    assert reply.status == 200
    return reply.json


def test_a_venture_without_divisions_is_empty(caller: Caller) -> None:
    """And one that is not there is not found."""
    venture_id = caller.venture("shop")
    answer = board(caller, venture_id)
    assert (answer["venture_id"], answer["name"], answer["divisions"]) == (venture_id, "shop", [])
    assert answer["summary"] == {"divisions": 0, "health": {}, "open_incidents": 0, "live_releases": 0}
    assert answer["position"] == caller.head
    assert caller.get("/api/ventures/v-none/board").code == "not_found"


def test_a_division_that_was_just_discovered_has_nothing_yet(caller: Caller) -> None:
    """Its processes are all there, pending, in the order of the cycle."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    (division,) = board(caller, venture_id)["divisions"]
    names = ("design", "plan", "generate", "test", "deploy", "monitor", "rescue")
    assert list(division["processes"]) == [f"{name}_division" for name in names]
    assert all(
        process == {"state": "pending", "status": 0, "iteration": 0} for process in division["processes"].values()
    )
    del division["processes"]
    assert division == {
        "division_id": division_id,
        "name": "auth",
        "process": "design_division",
        "current_phase": "anp",
        "state": "pending",
        "health": "unknown",
        "open_incidents": [],
        "open_incident_count": 0,
        "last_test": None,
        "live_release": None,
    }


def test_each_division_has_its_own(caller: Caller) -> None:
    """States, health and tests, in the order of discovery, as they are elsewhere."""
    venture_id = caller.discovering()
    zebra, auth = caller.division(venture_id, "zebra"), caller.division(venture_id, "auth")
    for process, state in (("design", "completed"), ("plan", "paused"), ("test", "active")):
        caller.bring(f"/api/divisions/{auth}/{process}", state)
    caller.done(f"/api/divisions/{auth}/test/result", {"suite_type": "unit", "passed": 40, "failed": 2})
    first, second = board(caller, venture_id)["divisions"]
    assert (first["division_id"], first["last_test"]) == (zebra, None)
    assert {name: process["state"] for name, process in second["processes"].items()} == {
        "design_division": "completed",
        "plan_division": "paused",
        "generate_division": "pending",
        "test_division": "active",
        "deploy_division": "pending",
        "monitor_division": "pending",
        "rescue_division": "pending",
    }
    assert second["processes"]["design_division"] == {"state": "completed", "status": 9, "iteration": 1}
    shown = caller.get(f"/api/divisions/{auth}").json["division"]
    assert [second[name] for name in ("process", "state", "health", "current_phase")] == [
        shown[name] for name in ("process", "state", "health", "current_phase")
    ]
    test = second["last_test"]
    assert (test["outcome"], test["passed"], test["total"], test["suite_type"]) == ("failed", 40, 42, "unit")


def test_open_incidents_are_there_the_worst_first(caller: Caller) -> None:
    """Twenty of them at the most, and all are counted; a closed one is gone."""
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    monitor = f"/api/divisions/{division_id}/monitor"
    caller.bring(monitor, "active")
    for number in range(21):
        caller.done(f"{monitor}/incident", {"title": f"slow {number}", "severity": "sev3"})
    worst = caller.done(f"{monitor}/incident", {"title": "down", "severity": "sev1"})["id"]
    answer = board(caller, venture_id)
    (division,) = answer["divisions"]
    assert (division["health"], division["open_incident_count"], len(division["open_incidents"])) == ("down", 22, 20)
    assert [one["title"] for one in division["open_incidents"][:2]] == ["down", "slow 0"]
    assert answer["summary"] == {"divisions": 1, "health": {"down": 1}, "open_incidents": 22, "live_releases": 0}
    caller.done(f"{monitor}/close", {"incident_id": worst})
    (division,) = board(caller, venture_id)["divisions"]
    assert (division["health"], division["open_incident_count"]) == ("degraded", 21)
    assert division["open_incidents"][0]["title"] == "slow 0"


def test_other_ventures_are_not_seen(caller: Caller) -> None:
    """Nor what happens in their divisions."""
    caller.bring(f"/api/divisions/{caller.division()}/design", "active")
    venture_id = caller.discovering()
    caller.division(venture_id, "mine")
    assert [division["name"] for division in board(caller, venture_id)["divisions"]] == ["mine"]


def fact(division_id: str, recorded_at: int, **event: object) -> Fact:
    """Return a fact of a deployment, with what a read model looks at."""
    return cast(
        "Fact", SimpleNamespace(subject_id=division_id, recorded_at=recorded_at, event=SimpleNamespace(**event))
    )


@pytest.mark.parametrize("rolled_back", [False, True])
async def test_what_was_deployed_last_is_live(tmp_path: Path, *, rolled_back: bool) -> None:
    """Until it is rolled back: then the one before is, with its own id and commit."""
    found = catalog.find()
    engine = Engine.open(tmp_path / "hecate.db", found.desks, read_models=found.read_models)
    try:
        served = application(*every_route(found), services=(engine, Uptime()))
        venture_id = (await ask(served, "POST", "/api/ventures", b'{"name": "shop"}')).json["id"]
        await ask(served, "POST", f"/api/ventures/{venture_id}/discovery/start")
        path = f"/api/ventures/{venture_id}/discovery/discover"
        division_id = (await ask(served, "POST", path, b'{"division_name": "auth"}')).json["id"]

        async def live() -> Any:
            answer = (await ask(served, "GET", f"/api/ventures/{venture_id}/board")).json
            (division,) = answer["divisions"]
            assert answer["summary"]["live_releases"] == (division["live_release"] is not None)
            return division["live_release"]

        assert await live() is None
        for number, version in enumerate(("1.0.0", "1.1.0"), 1):
            release = {"release_id": f"rel-{number}", "version": version, "target": "local", "commit": f"c{number}"}
            deployed = fact(division_id, number * 1000, **release)
            await engine.store.writer.submit(lambda db, deployed=deployed: on_release_deployed(db, deployed))  # type: ignore[misc]
        if not rolled_back:
            assert await live() == {
                "version": "1.1.0",
                "live_since": "1970-01-01T00:00:02Z",
                "release_id": "rel-2",
                "target": "local",
                "commit": "c2",
            }
            return
        back = fact(division_id, 3000, from_version="1.1.0", to_version="1.0.0")
        await engine.store.writer.submit(lambda db: on_release_rolled_back(db, back))
        assert await live() == {
            "version": "1.0.0",
            "live_since": "1970-01-01T00:00:03Z",
            "release_id": "rel-1",
            "target": "local",
            "commit": "c1",
        }
    finally:
        engine.close()
