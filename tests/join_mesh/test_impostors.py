"""Impostors: refused, counted, logged once, and nothing else disturbed."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zenoh

from hecate.join_mesh.network.identity import write_private
from hecate.join_mesh.network.questions import Envelope
from hecate.join_mesh.network.realm import CERTIFICATE, Realm, found_realm
from hecate.join_mesh.network.zenoh_settings import zenoh_settings
from hecate.join_mesh.settings import MeshSettings
from tests.join_mesh.rig import Member, Rig, all_see_all, eventually, free_port
from tests.join_mesh.test_capabilities import MRI, called, knows, offer, token

MIB = 1024 * 1024
REASONS = ("fatal alert", "BadSignature", "UnknownIssuer", "certificate expired", "no certificates", "corrupt message")
"""Of TLS, for those below; which one it is depends on whose refusal comes first."""


def realm_in(member: Member) -> Realm:
    """Return the realm of *member*, whose daemon has ended, as its files tell."""
    member.child.signal(signal.SIGTERM)
    member.child.end()
    realm = Realm.kept_in(member.folder / "data" / "mesh")
    assert realm is not None
    return realm


@contextmanager
def raw_session(
    realm: Realm, address: str, *, namespace: str = "", change: Callable[[dict[str, Any]], None] | None = None
) -> Iterator[zenoh.Session]:
    """Open a session of zenoh's own with *realm*'s files, which keeps to nothing that a daemon keeps to."""
    settings = MeshSettings(listen=(f"tls/127.0.0.1:{free_port()}",))
    configuration = json.loads(zenoh_settings(realm, settings, [address], ()))
    configuration["transport"]["link"]["rx"]["max_message_size"] = 64 * MIB
    configuration["namespace"] = namespace or realm.namespace
    if change is not None:
        change(configuration)
    with zenoh.open(zenoh.Config.from_json5(json.dumps(configuration))) as session:
        yield session


@pytest.fixture
def mallory(rig: Rig) -> Iterator[tuple[Member, Member, zenoh.Session]]:
    """Anna, bert, and a member of their realm who means no good, connected to anna."""
    anna, bert, mallory = rig.mesh_of("anna", "bert", "mallory")
    realm = realm_in(mallory)
    all_see_all([anna, bert])
    with raw_session(realm, anna.status["addresses"][0]) as session:
        eventually(lambda: len(list(session.info.links())) > 0)
        yield anna, bert, session


def place_of(session: zenoh.Session, did: str) -> str:
    """Return where *did* can be asked."""
    found: list[str] = []

    def look() -> bool:
        answers = session.liveliness().get(f"peer/{did}/*/*", zenoh.handlers.FifoChannel(8), timeout=2.0)
        found[:] = [str(answer.ok.key_expr).removeprefix("peer/") for answer in answers if answer.ok]
        return bool(found)

    eventually(look)
    # A session that has just moved shows its former place a little longer.
    return max(found, key=lambda place: int(place.rpartition("/")[2]))


def refused(member: Member, kind: str) -> int:
    """Return how often *member* has refused so."""
    count: int = member.status["refused"].get(kind, 0)
    return count


def logged(member: Member, kind: str) -> int:
    """Return how many lines its log has about that."""
    return len(lines(member, kind))


def lines(member: Member, kind: str) -> list[str]:
    """Return the lines of its log about that."""
    return [line for line in member.child.err if '"mesh refused"' in line and f'"kind": "{kind}"' in line]


def test_whoever_has_no_certificate_of_the_realm_gets_no_link(rig: Rig, tmp_path: Path) -> None:
    """Of another authority, expired, none at all, or without TLS: counted, each reason logged once, no more."""
    anna, bert = rig.mesh_of("anna", "bert")
    address = anna.status["addresses"][0]
    stranger = found_realm(tmp_path / "stranger", "home")
    mallory = rig.start("mallory")
    mallory.enter(anna)
    all_see_all([anna, bert, mallory])
    realm = realm_in(mallory)
    all_see_all([anna, bert])
    keeper = Realm.kept_in(anna.folder / "data" / "mesh")
    assert keeper is not None
    write_private(realm.folder / CERTIFICATE, keeper.issue(realm.identity.did, timedelta(seconds=-1)))

    def without_certificate(configuration: dict[str, Any]) -> None:
        tls = configuration["transport"]["link"]["tls"]
        tls["enable_mtls"] = False
        for name in ("connect_private_key", "connect_certificate"):
            del tls[name]

    def without_tls(configuration: dict[str, Any]) -> None:
        configuration["transport"]["link"]["protocols"] = ["tcp"]
        configuration["connect"]["endpoints"] = [address.replace("tls/", "tcp/")]
        configuration["listen"]["endpoints"] = []

    for who, change in ((stranger, None), (realm, None), (stranger, without_certificate), (stranger, without_tls)):
        before = refused(anna, "certificate")
        with (
            raw_session(who, address, namespace=keeper.namespace, change=change) as session,
            session.liveliness().declare_token("peer/did:key:zMallory/1/1"),
        ):
            eventually(lambda so_far=before: refused(anna, "certificate") > so_far)  # type: ignore[misc]
            assert [link for link in session.info.links() if str(link.dst) == address] == []
    all_see_all([anna, bert])
    assert set(anna.status["refused"]) == {"certificate"}
    assert 1 <= logged(anna, "certificate") <= len(REASONS)
    assert all(any(reason in line for reason in REASONS) for line in lines(anna, "certificate"))


def test_nobody_is_taken_for_another(mallory: tuple[Member, Member, zenoh.Session]) -> None:
    """A token in bert's name, with bert's own card from before, with mallory's, or with none."""
    anna, bert, session = mallory
    cards: list[bytes] = []

    def asked() -> bool:
        key = f"card/{place_of(session, bert.did)}"
        answers = session.get(key, zenoh.handlers.FifoChannel(8), payload=bytes(16), timeout=5.0)
        cards.extend(answer.ok.payload.to_bytes() for answer in answers if answer.ok)
        return bool(cards)

    eventually(asked)
    shown = cards[0]
    fake = f"{bert.did}/{'f' * 16}/1"

    def show(query: zenoh.Query) -> None:
        with query:
            query.reply(query.key_expr, shown)

    session.declare_queryable(f"card/{fake}", show)
    before = anna.peers()
    with session.liveliness().declare_token(f"peer/{fake}"):
        eventually(lambda: refused(anna, "card") > 0 and refused(bert, "name") > 0)
        assert anna.peers().keys() == before.keys()
        assert anna.peers()["bert"]["identity"] == bert.did
    session.declare_queryable(f"card/{place_of(session, bert.did)}", show)
    session.liveliness().declare_token(f"peer/{anna.did}/{'e' * 16}/1")
    eventually(lambda: refused(anna, "name") > 0)
    assert logged(anna, "card") == 1
    assert logged(anna, "name") == 1
    all_see_all([anna, bert])


def test_nobody_speaks_in_anothers_name(mallory: tuple[Member, Member, zenoh.Session]) -> None:
    """Nonsense, and a question that says it is bert's: not answered, counted, logged once each."""
    anna, bert, session = mallory
    _, its_session, epoch = place_of(session, bert.did).split("/")
    false = msgspec.msgpack.encode(Envelope(bert.did, its_session, int(epoch), bytes(100)))
    for count, payload in enumerate((b"nonsense", b"", false, false)):

        def asked(payload: bytes = payload, count: int = count) -> bool:
            key = f"rpc/{place_of(session, anna.did)}"
            answers = session.get(key, zenoh.handlers.FifoChannel(8), payload=payload, timeout=5.0)
            assert [answer for answer in answers if answer.ok] == []
            return refused(anna, "seal") > count

        eventually(asked)
    assert logged(anna, "seal") == 2
    all_see_all([anna, bert])


def test_an_answer_in_anothers_place_is_passed_over(mallory: tuple[Member, Member, zenoh.Session]) -> None:
    """Mallory answers, too, where anna is asked: what counts is what is sealed."""
    anna, bert, session = mallory
    offer(anna, "http://127.0.0.1:1/")
    eventually(lambda: knows(bert))
    word = token(anna, "bert")

    def interfere(query: zenoh.Query) -> None:
        with query:
            query.reply(query.key_expr, b"x" * 100)

    session.declare_queryable(f"rpc/{place_of(session, anna.did)}", interfere, complete=True)

    def seen() -> bool:
        reply = called(bert, token=word)
        assert "program that serves" in reply.json["error"], "anna's own answer"
        return refused(bert, "seal") > 0

    eventually(seen)


def test_what_is_too_large_is_dropped(mallory: tuple[Member, Member, zenoh.Session]) -> None:
    """A message above the limit is not answered, and the daemon neither grows nor stops."""
    anna, bert, session = mallory
    place = place_of(session, anna.did)
    answers = session.get(f"rpc/{place}", zenoh.handlers.FifoChannel(8), payload=bytes(5 * MIB), timeout=1.0)
    assert [answer for answer in answers if answer.ok] == []
    offer(anna, "http://127.0.0.1:1/")
    eventually(lambda: knows(bert))
    assert "program that serves" in called(bert, token=token(anna, "bert")).json["error"]


def test_a_flood_is_turned_away(mallory: tuple[Member, Member, zenoh.Session]) -> None:
    """Thousands of questions and hundreds of false tokens: the others go on, and the log does not fill."""
    anna, bert, session = mallory
    place = place_of(session, anna.did)
    offer(anna, "http://127.0.0.1:1/", MRI)
    eventually(lambda: knows(bert))
    word = token(anna, "bert")
    false = msgspec.msgpack.encode(Envelope(bert.did, "a" * 16, 1, bytes(100)))
    with ExitStack() as tokens:
        for number in range(300):
            tokens.enter_context(session.liveliness().declare_token(f"peer/did:key:z{number}/{number:016}/1"))
        for _ in range(3000):
            session.get(f"rpc/{place}", lambda _: None, payload=false, timeout=5.0)
        assert "program that serves" in called(bert, token=word).json["error"]
    eventually(lambda: refused(anna, "seal") + refused(anna, "flood") > 0)
    all_see_all([anna, bert])
    assert sum("mesh refused" in line for line in anna.child.err) < 1100
    assert anna.caller.get("/api/health").json["status"] == "healthy"
