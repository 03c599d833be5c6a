"""Questions between two daemons: bounded, and ended with whoever has asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import PeerFailed
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.network.calls import CANCEL, LONGEST_QUESTION_BYTES, REQUEST_ID_BYTES
from hecate.join_mesh.network.peer import Peer
from tests.join_mesh.in_process import DEADLINE_SECONDS, into_one_realm, two_meshes

MIB = 1024 * 1024


async def met(anna: Mesh, bert: Mesh) -> Peer:
    """Bring them into one realm, and return bert as anna sees him."""
    await into_one_realm(anna, bert)
    await anna.meet(DEADLINE_SECONDS)
    return anna.up().node.peers.named("bert")


async def test_an_answer_without_an_end_is_given_up(tmp_path: Path) -> None:
    """It is taken whole, so that it must not fill the memory; whoever gives it is ended and counted."""
    async with two_meshes(tmp_path) as (anna, bert):
        peer = await met(anna, bert)
        ended = asyncio.Event()

        async def endless(_peer: Peer, _body: bytes) -> AsyncGenerator[bytes, None]:
            try:
                while True:
                    yield bytes(MIB)
            finally:
                ended.set()

        bert.up().node.calls.streams["endless"] = endless
        calls = anna.up().node.calls
        with pytest.raises(PeerFailed, match="answers more than"):
            await calls.ask_once(peer, "endless", b"", DEADLINE_SECONDS)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await ended.wait()
        assert anna.refusals.counts["flood"] == 1
        with pytest.raises(Invalid, match="can be asked at most"):
            await calls.ask_once(peer, "endless", bytes(LONGEST_QUESTION_BYTES + 1), DEADLINE_SECONDS)


async def test_what_is_asked_no_more_is_answered_no_more(tmp_path: Path) -> None:
    """Given up before it was even sent, after the first piece, or by the caller's task: each ends at the other side."""
    async with two_meshes(tmp_path) as (anna, bert):
        peer = await met(anna, bert)
        running = 0
        nobody = asyncio.Event()

        async def waiting(_peer: Peer, _body: bytes) -> AsyncGenerator[bytes, None]:
            nonlocal running
            running += 1
            nobody.clear()
            try:
                yield b"one"
                await asyncio.Event().wait()
            finally:
                running -= 1
                if not running:
                    nobody.set()

        bert.up().node.calls.streams["waiting"] = waiting
        calls = anna.up().node.calls
        for _ in range(20):
            asking = asyncio.create_task(calls.ask_once(peer, "waiting", b"", DEADLINE_SECONDS))
            await asyncio.sleep(0)
            asking.cancel()
        async with aclosing(calls.ask(peer, "waiting", b"", DEADLINE_SECONDS)) as pieces:
            assert await anext(pieces) == b"one"
            assert running >= 1
        async with asyncio.timeout(DEADLINE_SECONDS):
            await nobody.wait()


async def test_what_was_given_up_before_it_came_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving up may overtake the question; once, for an id is used once."""
    async with two_meshes(tmp_path) as (anna, bert):
        peer = await met(anna, bert)
        begun = 0

        async def counting(_peer: Peer, _body: bytes) -> bytes:
            nonlocal begun
            begun += 1
            return b"done"

        bert.up().node.calls.answers["counting"] = counting
        calls = anna.up().node.calls
        overtaken = bytes(REQUEST_ID_BYTES)
        await calls.ask_once(peer, CANCEL, overtaken, DEADLINE_SECONDS)
        monkeypatch.setattr("os.urandom", lambda _: overtaken)
        with pytest.raises(PeerFailed, match="before it had answered"):
            await calls.ask_once(peer, "counting", b"", DEADLINE_SECONDS)
        assert begun == 0
        assert await calls.ask_once(peer, "counting", b"", DEADLINE_SECONDS) == b"done"
