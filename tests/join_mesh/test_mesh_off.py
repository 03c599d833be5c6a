"""With the mesh off, or its packages missing, everything else works, and the endpoints say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import started
from tests.join_mesh.rig import Rig

WITHOUT_PACKAGES = """
import sys
sys.modules["zenoh"] = None
sys.modules["cryptography"] = None
from importlib import util
find = util.find_spec
util.find_spec = lambda name, *rest: None if name in {"zenoh", "cryptography"} else find(name, *rest)
from hecate.daemon.cli import main
main()
"""
CAPABILITY = {"mri": "mri:capability:io.example/count", "tags": ["text"], "description": "Counts words"}


def test_a_daemon_in_no_realm(caller: Caller) -> None:
    """It says so, and what to do."""
    assert caller.get("/api/mesh/status").json["state"] == "local"
    assert caller.get("/api/mesh/peers").json == {"ok": True, "peers": [], "peer_count": 0, "connected": False}
    for path, body in (
        ("invite", {}),
        ("leave", {}),
        ("revoke", {"peer": "bert"}),
        ("call", {"mri": "x"}),
        ("tokens", {"peer": "bert"}),
    ):
        reply = caller.post(f"/api/mesh/{path}", body)
        assert (reply.status, reply.code) == (409, "mesh_off"), path


def test_a_capability_is_recorded_while_the_mesh_is_off(rig: Rig) -> None:
    """In the event log, not advertised; the same again adds nothing; after a start it is still there."""
    anna = rig.start("anna")
    reply = anna.caller.post("/api/mesh/capabilities", CAPABILITY)
    assert reply.status == 201
    answer = reply.json
    assert (answer["advertised"], answer["state"], answer["version"]) == (False, "pending", 1)
    assert [event["type"] for event in answer["events"]] == ["capability_announced_v1"]
    assert anna.caller.done("/api/mesh/capabilities", CAPABILITY)["events"] == []
    old = {"capability_mri": "mri:other", "agent_identity": "mri:agent:io.example/anna"}
    assert anna.caller.done("/api/mesh/capabilities", old)["mri"] == "mri:other"
    stored = anna.caller.get("/api/events?stream=mesh").json["events"]
    assert [event["data"]["mri"] for event in stored] == [CAPABILITY["mri"], "mri:other"]
    assert stored[0]["meta"]["actor"]["uid"] >= 0
    (shown,) = anna.caller.get("/api/mesh/capabilities?tag=text").json["capabilities"]
    assert (shown["mri"], shown["peer"], shown["advertised"]) == (CAPABILITY["mri"], "self", False)
    anna.child.signal(15)
    anna.child.end()
    again = rig.start("anna", folder=anna.folder).caller
    assert again.get("/api/mesh/capabilities").json["count"] == 2
    assert again.ask("DELETE", "/api/mesh/capabilities?mri=mri:other").json["state"] == "withdrawn"
    assert again.ask("DELETE", "/api/mesh/capabilities?mri=mri:other").code == "not_found"
    assert again.get("/api/mesh/capabilities?mri=mri:capability:*").json["count"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mri": ""},
        {"mri": "a", "capability_mri": "b"},
        {"mri": "a", "serve_at": "http://example.org/"},
        {"mri": "a", "serve_at": "file:///etc/passwd"},
        {"mri": "a", "tags": "text"},
        {"mri": "a", "metadata": {"x": "y" * 20_000}},
    ],
)
def test_what_is_no_capability_is_refused(caller: Caller, body: object) -> None:
    """And nothing is recorded."""
    head = caller.head
    assert caller.post("/api/mesh/capabilities", body).code == "validation_error"
    assert caller.head == head


def test_switched_off_by_the_configuration(rig: Rig) -> None:
    """Then there is no beginning one either."""
    anna = rig.start("anna", mesh="enabled = false")
    assert anna.status["state"] == "disabled"
    reply = anna.caller.post("/api/mesh/init")
    assert (reply.status, reply.code) == (409, "mesh_off")


def test_without_its_packages(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The daemon serves all else; the mesh says what is missing."""
    folder: Path = tmp_path_factory.mktemp("m", numbered=True)
    program = folder / "program.py"
    program.write_text(WITHOUT_PACKAGES)
    (folder / "c.toml").write_text("[providers.ollama]\nenabled = false\n")
    arguments = ("serve", "--socket", folder / "s", "--data-dir", folder / "data", "--config", folder / "c.toml")
    with started(arguments, folder / "s", program=(program,)) as child:
        child.ready()
        caller = Caller(child.socket_path)
        status = caller.get("/api/mesh/status").json
        assert status["state"] == "unavailable"
        assert "hecate[mesh]" in status["error"]
        reply = caller.post("/api/mesh/init")
        assert (reply.status, reply.code) == (503, "unavailable")
        assert caller.done("/api/mesh/capabilities", CAPABILITY)["state"] == "pending"
        assert caller.venture()
        caller.close()
