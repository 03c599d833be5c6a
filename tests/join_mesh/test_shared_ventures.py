"""Facts of shared ventures: kept by peers once each and in order, however long they were apart."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tests.join_mesh.rig import Member, Rig, all_see_all, eventually


def share(member: Member, venture_id: str, **fields: Any) -> None:
    """Let *member* share a venture."""
    assert member.caller.done("/api/mesh/ventures", {"venture_id": venture_id, **fields})["advertised"]


def ventures(member: Member) -> dict[str, Any]:
    """Return the shared ventures that *member* lists, by id."""
    return {one["venture_id"]: one for one in member.caller.get("/api/mesh/ventures").json["ventures"]}


def kept(member: Member, origin: Member, venture_id: str) -> list[tuple[int, str]]:
    """Return position and event id of each fact that *member* has kept, page by page."""
    found: list[tuple[int, str]] = []
    after = 0
    while True:
        path = f"/api/mesh/ventures/{origin.did}/{venture_id}/facts?after={after}&limit=500"
        reply = member.caller.get(path)
        page = reply.json["facts"] if reply.status == 200 else []
        if not page:
            return found
        found += [(fact["position"], fact["event_id"]) for fact in page]
        after = page[-1]["position"]


def facts(member: Member, origin: Member, venture_id: str) -> list[dict[str, Any]]:
    """Return the facts that *member* has kept, the first 500."""
    path = f"/api/mesh/ventures/{origin.did}/{venture_id}/facts?limit=500"
    found: list[dict[str, Any]] = member.caller.get(path).json["facts"]
    return found


def recorded(member: Member, venture_id: str) -> list[tuple[int, str]]:
    """Return position and event id of each event of the venture in its origin's own log."""
    path = f"/api/ventures/{venture_id}/events?limit=500"
    return [(event["position"], event["event_id"]) for event in member.caller.get(path).json["events"]]


def test_a_shared_venture_is_seen_by_peers(rig: Rig) -> None:
    """All of its facts, those from before it was shared, too; of another venture nothing."""
    anna, bert = rig.mesh_of("anna", "bert")
    venture_id = anna.caller.discovering()
    anna.caller.venture("secret")
    share(anna, venture_id)
    anna.caller.division(venture_id)
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
    assert set(ventures(bert)) == {venture_id}
    shown = ventures(bert)[venture_id]
    assert (shown["origin"], shown["peer"], shown["name"], shown["shared"]) == (anna.did, "anna", "my-saas-app", True)
    own = ventures(anna)[venture_id]
    assert (own["peer"], own["facts"]) == ("self", shown["facts"])
    (first, *_) = bert.caller.get(f"/api/mesh/ventures/anna/{venture_id}/facts?limit=1").json["facts"]
    assert (first["type"], first["previous"], first["data"]["name"]) == ("venture_setup_v1", 0, "my-saas-app")
    assert "meta" not in first
    assert bert.caller.get(f"/api/ventures/{venture_id}").status == 404, "it is no venture of bert's"


def test_only_the_chosen_facts_are_shared(rig: Rig) -> None:
    """Of the types that were named; more of them later come in their place."""
    anna, bert = rig.mesh_of("anna", "bert")
    venture_id = anna.caller.discovering()
    share(anna, venture_id, types=["division_discovered_v1"])
    anna.caller.division(venture_id, "auth")
    eventually(lambda: len(kept(bert, anna, venture_id)) == 1)
    assert ventures(bert)[venture_id]["name"] == ""
    share(anna, venture_id)
    anna.caller.division(venture_id, "billing")
    eventually(lambda: len(kept(bert, anna, venture_id)) == 2)
    anna.caller.ask("DELETE", f"/api/mesh/ventures/{venture_id}")
    eventually(lambda: not ventures(bert)[venture_id]["shared"])
    anna.caller.division(venture_id, "mail")
    assert anna.caller.ask("DELETE", f"/api/mesh/ventures/{venture_id}").code == "not_found"
    assert anna.caller.post("/api/mesh/ventures", {"venture_id": "v-1"}).code == "not_found"
    assert len(kept(bert, anna, venture_id)) == 2


def test_no_fact_is_lost_or_twice_when_either_was_away(rig: Rig) -> None:
    """The follower is killed while facts come, then the origin; each goes on from what is on its disk."""
    anna, bert = rig.mesh_of("anna", "bert")
    venture_id = anna.caller.discovering()
    share(anna, venture_id)
    for number in range(120):
        anna.caller.division(venture_id, f"division-{number}")
        if number == 40:
            eventually(lambda: len(kept(bert, anna, venture_id)) > 0)
            os.kill(bert.child.process.pid, signal.SIGKILL)
    bert.child.end()
    bert = rig.start("bert", folder=bert.folder)
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
    os.kill(anna.child.process.pid, signal.SIGKILL)
    anna.child.end()
    eventually(lambda: not bert.peers())
    assert not ventures(bert)[venture_id]["shared"]
    anna = rig.start("anna", folder=anna.folder)
    all_see_all([anna, bert])
    for number in range(120, 140):
        anna.caller.division(venture_id, f"division-{number}")
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
    assert len(recorded(anna, venture_id)) == 142


def test_large_facts_come_through(rig: Rig) -> None:
    """Many pages of them, none above what a message may have."""
    anna, bert = rig.mesh_of("anna", "bert")
    venture_id = anna.caller.discovering()
    for number in range(12):
        body = {"division_name": f"division-{number}", "description": "x" * 90_000, "rationale": "y" * 90_000}
        anna.caller.done(f"/api/ventures/{venture_id}/discovery/discover", body)
    share(anna, venture_id)
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))


def test_what_is_kept_of_a_peer_is_bounded(rig: Rig) -> None:
    """Where nothing may be kept nothing is, and it is counted; what may be kept then comes after a reload."""
    anna, bert = rig.start("anna"), rig.start("bert", mesh="kept_facts_mb = 0")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    venture_id = anna.caller.discovering()
    share(anna, venture_id)
    eventually(lambda: bert.status["refused"].get("limit", 0) > 0)
    assert ventures(bert) == {}
    bert.reload(kept_facts_mb="1")
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
    for number in range(8):
        body = {"division_name": f"division-{number}", "description": "x" * 90_000, "rationale": "y" * 90_000}
        anna.caller.done(f"/api/ventures/{venture_id}/discovery/discover", body)
    eventually(lambda: bert.status["refused"]["limit"] > 1)
    size = sum(len(json.dumps(fact["data"])) for fact in facts(bert, anna, venture_id))
    assert 800_000 < size < 1_700_000, "it has ended with the page in which it was full"
    bert.reload(kept_facts_mb="5")
    eventually(lambda: kept(bert, anna, venture_id) == recorded(anna, venture_id))
