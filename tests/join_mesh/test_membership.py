"""From nothing to a mesh: init, invite, join, leave and revoke, between daemons over the network."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.join_mesh.rig import Member, Rig, all_see_all, eventually


def test_two_people_get_from_nothing_to_a_mesh(rig: Rig) -> None:
    """One command each: then each sees the other, and as who it is."""
    anna, bert = rig.start("anna"), rig.start("bert")
    assert (anna.status["state"], anna.status["connected"], anna.peers()) == ("local", False, {})
    anna.found("io.example")
    assert anna.status["is_keeper"]
    answer = bert.caller.done("/api/mesh/join", {"invitation": anna.invitation()})
    assert (answer["state"], answer["peers"]) == ("connected", 1), "it has waited for the first whom it meets"
    all_see_all([anna, bert])
    assert bert.status["realm"] == "io.example"
    assert bert.status["fingerprint"] == anna.status["fingerprint"]
    (seen,) = anna.peers().values()
    assert (seen["identity"], seen["connection"], seen["protocol"]) == (bert.did, "direct", "tls")
    assert seen["version"] == anna.caller.get("/api/health").json["version"]
    assert seen["round_trip_ms"] > 0
    assert anna.status["state"] == bert.status["state"] == "connected"


def test_what_is_secret_is_the_owners_alone(rig: Rig) -> None:
    """The keys are in files that nobody else may read, and in no log line."""
    anna = rig.start("anna")
    anna.found()
    keys = list((anna.folder / "data" / "mesh").glob("*.key"))
    assert {key.name for key in keys} == {"identity.key", "authority.key"}
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    secret = keys[0].read_text().splitlines()[1]
    assert secret not in "".join(anna.child.err)


def test_an_invitation_holds_once(rig: Rig) -> None:
    """The second who comes with it is refused, and counted."""
    anna, bert, carl = rig.start("anna"), rig.start("bert"), rig.start("carl")
    anna.found()
    word = anna.invitation()
    bert.caller.done("/api/mesh/join", {"invitation": word})
    reply = carl.caller.post("/api/mesh/join", {"invitation": word})
    assert reply.status in {409, 503}, "the door is closed already, or opens for nobody"
    assert carl.status["state"] == "local"
    second, third = anna.invitation(), anna.invitation()
    carl.caller.done("/api/mesh/join", {"invitation": second})
    reply = carl.caller.post("/api/mesh/join", {"invitation": third})
    assert (reply.status, reply.code) == (409, "conflict"), "it is in a realm already"
    dora = rig.start("dora")
    reply = dora.caller.post("/api/mesh/join", {"invitation": second})
    assert (reply.status, reply.code) == (409, "conflict")
    assert "used already" in reply.json["error"]
    assert anna.status["refused"]["enrolment"] == 1
    dora.caller.done("/api/mesh/join", {"invitation": third})


@pytest.mark.parametrize(
    "word", ["", "hecate-mesh-", "hecate-mesh-AAAA", "nonsense", "hecate-mesh-lqRob21l", "x" * 5000]
)
def test_what_is_no_invitation_is_refused(rig: Rig, word: str) -> None:
    """In words, and nothing is left behind."""
    reply = rig.start("anna").caller.post("/api/mesh/join", {"invitation": word})
    assert (reply.status, reply.code) == (400, "validation_error")


def test_only_the_keeper_lets_in_and_shuts_out(rig: Rig) -> None:
    """Everybody else is told who can."""
    anna, bert = rig.mesh_of("anna", "bert")
    assert bert.caller.post("/api/mesh/invite").code == "conflict"
    assert bert.caller.post("/api/mesh/revoke", {"peer": "anna"}).code == "conflict"
    assert anna.caller.post("/api/mesh/revoke", {"peer": anna.did}).code == "conflict"
    assert anna.caller.post("/api/mesh/revoke", {"peer": "nobody"}).code == "no_responder"
    assert anna.caller.post("/api/mesh/init").code == "conflict"


def test_who_leaves_is_gone_and_may_come_back(rig: Rig) -> None:
    """It keeps its identity; the keeper is asked whether it means it."""
    anna, bert = rig.mesh_of("anna", "bert")
    did = bert.did
    bert.caller.done("/api/mesh/leave")
    eventually(lambda: not anna.peers())
    assert (bert.status["state"], bert.status["realm"]) == ("local", None)
    bert.enter(anna)
    all_see_all([anna, bert])
    assert bert.did == did
    reply = anna.caller.post("/api/mesh/leave")
    assert (reply.status, reply.code) == (409, "conflict")
    anna.caller.done("/api/mesh/leave", {"even_as_keeper": True})
    eventually(lambda: not bert.peers())


def test_who_is_shut_out_stays_out(rig: Rig) -> None:
    """Of all, also of those who hear of it from others, after their start and its own."""
    anna, bert, carl = rig.mesh_of("anna", "bert", "carl")
    did = carl.did
    answer = anna.caller.done("/api/mesh/revoke", {"peer": "carl"})
    assert answer["revoked"] == did
    eventually(lambda: bert.sees("anna") and anna.sees("bert") and carl.sees())
    eventually(lambda: "shut out" in carl.status.get("error", ""))
    carl.child.signal(signal.SIGTERM)
    carl.child.end()
    again = rig.start("carl", folder=carl.folder)
    assert again.status["state"] in {"connecting", "connected"}
    # Another one who comes is seen, so the mesh is up; carl is not.
    dora = rig.start("dora")
    dora.enter(anna)
    eventually(lambda: anna.sees("bert", "dora") and bert.sees("anna", "dora") and dora.sees("anna", "bert"))
    eventually(lambda: again.peers() == {})
    eventually(lambda: anna.status["refused"].get("shut_out", 0) + bert.status["refused"].get("shut_out", 0) > 0)


def everybody(member: Member) -> list[dict[str, Any]]:
    """Return all peers that *member* has ever seen."""
    found: list[dict[str, Any]] = member.caller.get("/api/mesh/peers?include_absent=true").json["peers"]
    return found


def test_a_daemon_that_starts_again_is_there_again(rig: Rig) -> None:
    """After kill -9, without a word from anybody, and seen since when it was first seen."""
    anna, bert = rig.mesh_of("anna", "bert")
    first_seen = anna.peers()["bert"]["first_seen"]
    os.kill(bert.child.process.pid, signal.SIGKILL)
    bert.child.end()
    eventually(lambda: not anna.peers())
    eventually(lambda: [peer["present"] for peer in everybody(anna)] == [False])
    assert [peer["name"] for peer in everybody(anna)] == ["bert"]
    bert = rig.start("bert", folder=bert.folder)
    all_see_all([anna, bert])
    assert anna.peers()["bert"]["first_seen"] == first_seen


def test_a_name_is_its_first_owners(rig: Rig) -> None:
    """A second of the same name is called by the end of its identity, too."""
    anna, bert = rig.mesh_of("anna", "bert")
    other = rig.start("bert")
    other.enter(anna)
    eventually(lambda: len(anna.peers()) == 2)
    assert anna.peers()["bert"]["identity"] == bert.did
    assert f"bert-{other.did[-6:]}" in anna.peers()


def test_a_name_stays_its_owners_while_that_is_away(rig: Rig) -> None:
    """Nobody gets what is shared by name by taking the name of one who is absent; of one who is shut out, yes."""
    anna, bert, carl = rig.mesh_of("anna", "bert", "carl")
    did = bert.did
    os.kill(bert.child.process.pid, signal.SIGKILL)
    bert.child.end()
    eventually(lambda: anna.sees("carl"))
    carl.reload(name='"bert"')
    taken = f"bert-{carl.did[-6:]}"
    eventually(lambda: anna.sees(taken))
    anna.caller.done("/api/mesh/revoke", {"peer": did})
    eventually(lambda: anna.sees(taken) or anna.sees("bert"))
    # Shutting out begins the session anew.
    eventually(lambda: anna.caller.post("/api/mesh/invite").status in {200, 201})
    dora = rig.start("bert")
    dora.enter(anna)
    eventually(lambda: anna.sees("bert", taken) or anna.sees("bert", f"bert-{dora.did[-6:]}"))


def test_who_has_the_authoritys_key_is_a_keeper_too(rig: Rig) -> None:
    """Invites and shuts out as the founder does; with another realm's key it can do neither."""
    anna, bert, carl = rig.start("anna"), rig.start("bert"), rig.start("carl")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    key = Path("data/mesh/authority.key")
    carl.found()
    shutil.copy(carl.folder / key, bert.folder / key)
    assert "is not the key of realm" in bert.caller.post("/api/mesh/invite").json["error"]
    carl.caller.done("/api/mesh/leave", {"even_as_keeper": True})
    shutil.copy(anna.folder / key, bert.folder / key)
    assert bert.status["is_keeper"]
    carl.enter(bert)
    all_see_all([anna, bert, carl])
    bert.caller.done("/api/mesh/revoke", {"peer": "carl"})
    eventually(lambda: anna.sees("bert") and bert.sees("anna") and carl.sees())


def test_a_door_that_cannot_open_keeps_nobody_out_of_the_mesh(rig: Rig) -> None:
    """An invitation is open, and another program has taken its port while the daemon was away."""
    anna, bert = rig.mesh_of("anna", "bert")
    places = anna.caller.done("/api/mesh/invite", {"hosts": [anna.address]})["places"]
    port = int(places[0].rpartition(":")[2])
    anna.child.signal(signal.SIGTERM)
    anna.child.end()
    with socket.create_server(("0.0.0.0", port)):
        anna = rig.start("anna", folder=anna.folder)
        all_see_all([anna, bert])
        anna.child.wait_for_line("mesh lets nobody in")
        reply = anna.caller.post("/api/mesh/invite")
        assert (reply.status, reply.code) == (503, "unavailable")
    anna.invitation()


def test_whoever_reaches_nobody_looks_whether_somebody_answers(rig: Rig) -> None:
    """Also where it did not look at first: the other is there over QUIC alone now, and does not know where it is."""
    anna, bert = rig.mesh_of("anna", "bert", protocol="tls quic")
    for member in (anna, bert):
        member.child.signal(signal.SIGTERM)
        member.child.end()
    rig.move(bert)
    anna = rig.start("anna", folder=anna.folder, protocol="quic")
    bert = rig.start("bert", folder=bert.folder)
    bert.child.wait_for_line("mesh finds back")
    all_see_all([anna, bert])
    assert anna.peers()["bert"]["protocol"] == "quic"


def test_who_was_shut_out_of_one_realm_may_be_in_another(rig: Rig) -> None:
    """Of the same keeper: what the authority of the former has said holds for that alone."""
    anna, bert = rig.mesh_of("anna", "bert")
    anna.caller.done("/api/mesh/revoke", {"peer": "bert"})
    eventually(anna.sees)
    anna.caller.done("/api/mesh/leave", {"even_as_keeper": True})
    bert.caller.done("/api/mesh/leave")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    assert "error" not in bert.status
    anna.caller.done("/api/mesh/revoke", {"peer": "bert"})
    eventually(anna.sees)
