"""Capabilities: found over the whole mesh, called with a deadline, and only by whom a token lets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.calling import Reply
from tests.join_mesh.program import program
from tests.join_mesh.rig import Member, Rig, eventually

MRI = "mri:capability:io.example/echo"


@pytest.fixture
def url() -> Iterator[str]:
    """Where the program of this machine is."""
    with program() as found:
        yield found


def offer(member: Member, url: str, mri: str = MRI) -> None:
    """Let *member* have the capability."""
    answer = member.caller.done("/api/mesh/capabilities", {"mri": mri, "serve_at": url, "tags": ["echo"]})
    assert answer["advertised"]


def token(member: Member, peer: str, **fields: Any) -> str:
    """Return a token that *member* gives to *peer*."""
    word: str = member.caller.done("/api/mesh/tokens", {"peer": peer, "mri": MRI, **fields})["token"]
    return word


def called(member: Member, **fields: Any) -> Reply:
    """Let *member* call the capability."""
    return member.caller.post("/api/mesh/call", {"mri": MRI, "input": {"text": "hä"}, **fields})


def knows(member: Member, mri: str = MRI) -> bool:
    """Tell whether *member* sees the capability of a peer."""
    return bool(member.caller.get(f"/api/mesh/capabilities?mri={mri}").json["count"])


def test_a_capability_is_found_and_called(rig: Rig, url: str) -> None:
    """With its token; the program gets the input and the caller's identity."""
    anna, bert = rig.mesh_of("anna", "bert")
    offer(anna, url)
    eventually(lambda: knows(bert))
    (view,) = bert.caller.get("/api/mesh/capabilities?tag=echo&peer=anna").json["results"]
    assert (view["peer"], view["identity"], view["callable"]) == ("anna", anna.did, True)
    assert bert.peers()["anna"]["capabilities"] == [MRI]
    (own,) = anna.caller.get("/api/mesh/capabilities").json["results"]
    assert own["signature"] == view["signature"] != "", "the one under the announcement"
    answer = called(bert, token=token(anna, "bert")).json
    assert answer["output"] == {"input": {"text": "hä"}, "peer": bert.did}
    assert (answer["peer"], answer["identity"]) == ("anna", anna.did)


def test_nobody_may_call_without_a_token(rig: Rig, url: str) -> None:
    """Nor with one for another peer, another capability, one that is revoked, altered or expired."""
    anna, bert, carl = rig.mesh_of("anna", "bert", "carl")
    offer(anna, url)
    eventually(lambda: knows(bert) and knows(carl))
    good = token(anna, "bert")
    refused = {
        "": called(bert),
        "of another": called(carl, token=good),
        "for another": called(bert, token=token(anna, "bert", mri="mri:other")),
        "self-made": called(bert, token=token(bert, bert.did)),
        "altered": called(bert, token=good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB")),
        "nonsense": called(bert, token="a.b.c"),
    }
    assert {name: (reply.status, reply.code) for name, reply in refused.items()} == dict.fromkeys(
        refused, (403, "mesh_denied")
    )
    assert "needs a token" in refused[""].json["error"]
    assert anna.status["refused"]["denied"] == len(refused)
    assert called(bert, token=good).status == 200
    (one, _) = anna.caller.get("/api/mesh/tokens").json["tokens"]
    assert anna.caller.ask("DELETE", f"/api/mesh/tokens/{one['token_id']}").status == 200
    assert called(bert, token=good).code == "mesh_denied"


def test_a_token_is_passed_on_if_it_may_be(rig: Rig, url: str) -> None:
    """To a third, for not more than it gives; revoking the first revokes the second."""
    anna, bert, carl = rig.mesh_of("anna", "bert", "carl")
    offer(anna, url)
    eventually(lambda: knows(carl))
    stays, moves = token(anna, "bert"), token(anna, "bert", delegable=True)
    assert called(carl, token=token(bert, "carl", token=stays)).code == "mesh_denied"
    longer = token(bert, "carl", token=moves, expires_in_seconds=300 * 86_400)
    assert called(carl, token=longer).code == "mesh_denied"
    passed_on = token(bert, "carl", token=moves, expires_in_seconds=60)
    assert called(carl, token=passed_on).status == 200
    assert bert.caller.post("/api/mesh/tokens", {"peer": "carl", "token": passed_on}).code == "validation_error"
    first = next(one for one in anna.caller.get("/api/mesh/tokens").json["tokens"] if one["delegable"])
    anna.caller.ask("DELETE", f"/api/mesh/tokens/{first['token_id']}")
    assert called(carl, token=passed_on).code == "mesh_denied"


def test_that_nobody_is_there_is_said(rig: Rig, url: str) -> None:
    """For a capability that nobody has, a peer that does not have it, and a peer that is gone."""
    anna, bert = rig.mesh_of("anna", "bert")
    assert (called(bert).status, called(bert).code) == (404, "no_responder")
    offer(anna, url)
    eventually(lambda: knows(bert))
    assert called(anna, peer="bert").code == "no_responder"
    assert called(bert, peer="carl").code == "no_responder"
    os.kill(anna.child.process.pid, signal.SIGKILL)
    eventually(lambda: not knows(bert))
    assert called(bert).code == "no_responder"


def test_what_goes_wrong_at_the_program_is_said(rig: Rig, url: str) -> None:
    """It fails, answers too much, does not answer in time, or is not there."""
    anna, bert = rig.mesh_of("anna", "bert")
    for path in ("fail", "huge", "never"):
        offer(anna, f"{url}/{path}", path)
    offer(anna, "http://127.0.0.1:1/", "gone")
    eventually(lambda: bert.caller.get("/api/mesh/capabilities").json["count"] == 4)
    word = token(anna, "bert", mri="*")
    replies = {
        mri: called(bert, mri=mri, token=word, deadline_seconds=0.3 if mri == "never" else 10)
        for mri in ("fail", "huge", "never", "gone")
    }
    assert {mri: (reply.status, reply.code) for mri, reply in replies.items()} == {
        "fail": (502, "peer_error"),
        "huge": (502, "peer_error"),
        "never": (504, "peer_error"),
        "gone": (502, "peer_error"),
    }


def test_a_capability_that_is_withdrawn_is_gone_everywhere(rig: Rig, url: str) -> None:
    """And one that is announced again with other fields is what it is now."""
    anna, bert = rig.mesh_of("anna", "bert")
    offer(anna, url)
    eventually(lambda: knows(bert))
    anna.caller.done("/api/mesh/capabilities", {"mri": MRI, "description": "only told of"})
    eventually(lambda: not bert.caller.get("/api/mesh/capabilities").json["results"][0]["callable"])
    assert called(bert).code == "no_responder"
    anna.caller.ask("DELETE", f"/api/mesh/capabilities?mri={MRI}")
    eventually(lambda: not knows(bert))
