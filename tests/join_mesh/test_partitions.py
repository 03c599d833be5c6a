"""Cables that are cut, wholly and between two only, and daemons that freeze: three machines at one bridge."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.join_mesh.networks import Network, network
from tests.join_mesh.rig import Member, Rig, all_see_all, eventually
from tests.join_mesh.test_capabilities import MRI, knows, offer, token
from tests.join_mesh.test_shared_ventures import kept, recorded, share

NOBODY = "http://127.0.0.1:1/"
"""Where no program serves: the machines have a loopback interface each, and the test is on none of them."""
NAMES = ("anna", "bert", "carl")


@pytest.fixture
def hosts() -> Iterator[Network]:
    """Three machines."""
    with network(*NAMES) as found:
        yield found


def three(rig: Rig, hosts: Network, protocol: str = "quic") -> list[Member]:
    """Return a daemon on each machine, in one realm."""
    return rig.mesh_of(*NAMES, network=hosts, protocol=protocol)


@pytest.mark.parametrize("protocol", ["tls", "quic"])
def test_a_machine_that_was_cut_off_comes_back(rig: Rig, hosts: Network, protocol: str) -> None:
    """All notice; when the cable is mended all see each other, and every fact of both sides has arrived once."""
    anna, bert, carl = three(rig, hosts, protocol)
    ventures = {member.name: member.caller.discovering() for member in (anna, carl)}
    share(anna, ventures["anna"])
    share(carl, ventures["carl"])
    hosts.cut("carl")
    eventually(lambda: anna.sees("bert") and bert.sees("anna") and carl.sees())
    for number in range(30):
        anna.caller.division(ventures["anna"], f"division-{number}")
        carl.caller.division(ventures["carl"], f"division-{number}")
    eventually(lambda: kept(bert, anna, ventures["anna"]) == recorded(anna, ventures["anna"]))
    hosts.mend("carl")
    all_see_all([anna, bert, carl])
    for follower, origin in ((carl, anna), (bert, anna), (anna, carl), (bert, carl)):
        venture_id = ventures[origin.name]
        eventually(lambda f=follower, o=origin, v=venture_id: kept(f, o, v) == recorded(o, v))  # type: ignore[misc]


def test_two_that_cannot_reach_each_other_meet_through_a_third(rig: Rig, hosts: Network) -> None:
    """They go on seeing each other, calls and facts go through it; afterwards they are connected again."""
    anna, bert, carl = three(rig, hosts)
    offer(carl, NOBODY)
    eventually(lambda: knows(bert))
    word = token(carl, "bert")
    venture_id = carl.caller.discovering()
    share(carl, venture_id)
    hosts.part("bert", "carl")
    eventually(lambda: bert.peers().get("carl", {}).get("connection") == "relayed")
    # The routers may need a moment for the new way; a call that falls into it is lost, and says so.
    eventually(lambda: has_answered(bert, word))
    carl.caller.division(venture_id, "behind-the-wall")
    eventually(lambda: kept(bert, carl, venture_id) == recorded(carl, venture_id))
    assert anna.sees("bert", "carl")
    hosts.join("bert", "carl")
    all_see_all([anna, bert, carl])
    carl.caller.division(venture_id, "in-the-open")
    eventually(lambda: kept(bert, carl, venture_id) == recorded(carl, venture_id))


def has_answered(member: Member, word: str) -> bool:
    """Tell whether the daemon that has the capability has answered *member*: that nobody serves it there."""
    reply = member.caller.post("/api/mesh/call", {"mri": MRI, "token": word})
    return "program that serves" in reply.json["error"]


@pytest.mark.parametrize("protocol", ["tls", "quic"])
def test_a_daemon_that_freezes_is_noticed_and_comes_back(rig: Rig, hosts: Network, protocol: str) -> None:
    """With its socket open and not a word from it, for longer than the lease."""
    anna, bert, carl = three(rig, hosts, protocol)
    bert.child.signal(signal.SIGSTOP)
    eventually(lambda: anna.sees("carl") and carl.sees("anna"))
    bert.child.signal(signal.SIGCONT)
    all_see_all([anna, bert, carl])
    offer(bert, NOBODY)
    eventually(lambda: knows(anna) and knows(carl))
    word = token(bert, "anna")
    eventually(lambda: has_answered(anna, word))


@pytest.mark.parametrize("protocol", ["tls quic", "quic"])
def test_a_daemon_that_is_started_while_it_is_cut_off_finds_back(rig: Rig, hosts: Network, protocol: str) -> None:
    """As one that is started before its network: it is up at once, alone, and meets the others when they answer."""
    anna, bert, carl = three(rig, hosts, protocol)
    hosts.cut("carl")
    eventually(lambda: anna.sees("bert") and carl.sees())
    carl.child.signal(signal.SIGTERM)
    carl.child.end()
    carl = rig.start("carl", folder=carl.folder, network=hosts)
    eventually(lambda: carl.status["identity"] is not None)
    assert (carl.status["state"], carl.peers()) == ("connecting", {})
    hosts.mend("carl")
    all_see_all([anna, bert, carl])
