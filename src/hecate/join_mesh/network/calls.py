"""Questions between two daemons, and their answers, whole or piece by piece: sealed, bounded, and each asked once."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Final

import msgspec
import structlog

from hecate.dossiers.errors import HecateError, Invalid
from hecate.endpoints import Restriction
from hecate.join_mesh.errors import MeshDenied, NoResponder, PeerFailed, PeerSlow
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.peers import Peers
from hecate.join_mesh.network.questions import (
    Envelope,
    Piece,
    Request,
    Told,
    encode,
    read_envelope,
    read_piece,
    read_request,
)
from hecate.join_mesh.network.seals import NotSealed
from hecate.join_mesh.network.session import Asked, AskerTooSlow, Session, TurnedAway
from hecate.join_mesh.refusals import Refusals
from hecate.serve_llm.errors import ProviderFailed

ANSWERING_THREADS: Final = 16
AT_ONCE: Final = 256
AT_ONCE_FOR_A_PEER: Final = 64
STRANGERS_AT_ONCE: Final = 32
"""Questions of sessions whose card is asked for first; who makes up sessions must not be in anybody's way."""
BUSY_WAITS_SECONDS: Final = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Before each further attempt at a peer that has too much to do."""
LONGEST_QUESTION_BYTES: Final = 4_000_000
"""Zenoh drops longer ones without a word, since their receiver does not take them."""
LONGEST_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Of one that is taken whole."""
REQUEST_ID_BYTES: Final = 8
CANCEL: Final = "cancel"
CANCEL_SECONDS: Final = 2.0
GIVEN_UP_REMEMBERED: Final = 1000
"""Questions that may still come after their asker has given them up: the two go by different threads."""

Answering = Callable[[Peer, bytes], Awaitable[bytes]]
"""Answers a peer's question, or raises a `HecateError`."""
Streaming = Callable[[Peer, bytes], AsyncGenerator[bytes, None]]
"""The same piece by piece."""

log = structlog.get_logger(__name__)


class Calls:
    """Both sides of the questions of one session.

    Args:
        session: The mesh.
        me: This daemon's identity and session.
        peers: Who may ask.
        refusals: Is told of what is not answered.
    """

    def __init__(self, session: Session, me: tuple[str, str], peers: Peers, refusals: Refusals) -> None:
        self._session = session
        self._did, self._my_session = me
        self.epoch = 0
        """Where this session can be asked now; it tells with each question, since its token may not be seen yet."""
        self._peers = peers
        self._refusals = refusals
        self._pool = ThreadPoolExecutor(ANSWERING_THREADS, thread_name_prefix="hecate-mesh-answer")
        self._answering: dict[tuple[str, bytes], asyncio.Task[None]] = {}
        self._given_up: dict[tuple[str, bytes], None] = {}
        """What is not to be answered should it still come, the latest last."""
        self._arriving: set[asyncio.Task[None]] = set()
        """Of strangers."""
        self._cancelling: set[asyncio.Task[None]] = set()
        self._of_peer: Counter[str] = Counter()
        self.answers: dict[str, Answering] = {CANCEL: self._cancel}
        self.streams: dict[str, Streaming] = {}
        self.restriction = Restriction()
        self.unrestricted = {CANCEL}
        """What is answered in spite of a restriction: what keeps the mesh itself going."""
        peers.on_departure.append(self._left)

    async def close(self) -> None:
        """End every answer."""
        tasks = [*self._arriving, *self._answering.values(), *self._cancelling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- asking

    async def ask(self, peer: Peer, method: str, body: bytes, seconds: float) -> AsyncGenerator[bytes, None]:
        """Give the pieces that *peer* answers; closing the generator ends the work there, too.

        Raises:
            Invalid: The question is too long.
            Told: It answers with an error.
            NoResponder: It is not there.
            PeerFailed: It has gone, has too much to do, or its answer has a gap.
            PeerSlow: It has not ended within *seconds*.
        """
        if len(body) > LONGEST_QUESTION_BYTES:
            raise Invalid(f"a peer can be asked at most {LONGEST_QUESTION_BYTES} bytes; these are {len(body)}")
        ends_at = time.monotonic() + seconds
        for wait_seconds in (*BUSY_WAITS_SECONDS, None):
            left_seconds = ends_at - time.monotonic()
            try:
                async with aclosing(
                    self._asked_at(peer, Request(os.urandom(REQUEST_ID_BYTES), method, body), left_seconds)
                ) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except TurnedAway as exc:
                # Nothing was done there, so nothing is done twice.
                if wait_seconds is None or wait_seconds > left_seconds:
                    raise PeerFailed(f"{peer.name} has too much to do") from exc
                await asyncio.sleep(wait_seconds)

    async def _asked_at(self, peer: Peer, request: Request, seconds: float) -> AsyncGenerator[bytes, None]:
        """Give the pieces that *peer* answers to *request*.

        Raises:
            TurnedAway: It has too much to do, and has not begun.
            Told, NoResponder, PeerFailed, PeerSlow: As for `ask`.
        """
        sealed = peer.seals.seal(encode(request), b"request")
        payload = encode(Envelope(self._did, self._my_session, self.epoch, sealed))
        ends_at = time.monotonic() + seconds
        number = 0
        done = False
        try:
            # Zenoh keeps the time: a time limit of asyncio's would hit whoever takes the pieces.
            async with aclosing(self._session.ask(f"rpc/{peer.place}", payload, seconds, lambda: done)) as answers:
                async for answer in answers:
                    piece = self._opened(peer, answer, request)
                    if piece is None:
                        continue
                    if piece.number != number:
                        raise PeerFailed(f"a piece of {peer.name}'s answer is missing")
                    number += 1
                    done = piece.is_last
                    if piece.code:
                        raise Told(peer.name, piece)
                    if piece.body or not piece.is_last:
                        yield piece.body
                    if piece.is_last:
                        return
            # It has ended, or is lost: there is nothing left to cancel.
            done = True
        except TurnedAway:
            done = True
            raise
        except AskerTooSlow as exc:
            raise PeerFailed(f"{peer.name} answers faster than it is read") from exc
        finally:
            # Never the cancelling itself: that would go on for ever where a peer does not answer.
            if not done and request.method != CANCEL and peer.did in self._peers.present:
                self._begin_cancelling(peer, request.id)
        if time.monotonic() >= ends_at:
            raise PeerSlow(f"{peer.name} has not answered within {seconds:g} s")
        if number == 0 and peer.did not in self._peers.present:
            raise NoResponder(f"{peer.name} is not in the mesh any more")
        raise PeerFailed(f"{peer.name} was lost before it had answered")

    def _opened(self, peer: Peer, answer: bytes, request: Request) -> Piece | None:
        """Return a piece of *peer*'s answer; None for what somebody else answers in its place."""
        try:
            return read_piece(peer.seals.open(answer, b"reply" + request.id))
        except (NotSealed, msgspec.DecodeError) as exc:
            self._refusals.count("seal", peer.did, str(exc))
            return None

    async def ask_once(self, peer: Peer, method: str, body: bytes, seconds: float) -> bytes:
        """Return the whole answer of *peer*.

        Raises:
            Told, Invalid, NoResponder, PeerFailed, PeerSlow: As for `ask`; or it does not come to an end.
        """
        answer = bytearray()
        async with aclosing(self.ask(peer, method, body, seconds)) as pieces:
            async for piece in pieces:
                answer += piece
                if len(answer) > LONGEST_ANSWER_BYTES:
                    self._refusals.count("flood", peer.did, f"more than {LONGEST_ANSWER_BYTES} bytes in one answer")
                    raise PeerFailed(f"{peer.name} answers more than {LONGEST_ANSWER_BYTES} bytes")
        return bytes(answer)

    def _begin_cancelling(self, peer: Peer, request_id: bytes) -> None:
        task = asyncio.create_task(self._ask_to_cancel(peer, request_id))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _ask_to_cancel(self, peer: Peer, request_id: bytes) -> None:
        try:
            await self.ask_once(peer, CANCEL, request_id, CANCEL_SECONDS)
        except (Told, HecateError) as exc:
            log.debug("mesh cannot cancel", peer=peer.did, error=str(exc))

    # -- answering

    def asked(self, asked: Asked) -> None:
        """Answer a question that has come."""
        try:
            envelope = read_envelope(asked.payload)
        except msgspec.DecodeError as exc:
            self._refusals.count("seal", "unknown", f"a question cannot be read: {exc}")
            asked.end()
            return
        is_known = self._peers.knows(envelope.session)
        if len(self._answering) >= AT_ONCE or (not is_known and len(self._arriving) >= STRANGERS_AT_ONCE):
            self._refusals.count("flood", "everybody" if is_known else "strangers", "too many questions at once")
            asked.turn_away()
        elif is_known:
            self._arrived(asked, envelope, self._peers.known(envelope.did, envelope.session))
        else:
            task = asyncio.create_task(self._arrive(asked, envelope))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _arrive(self, asked: Asked, envelope: Envelope) -> None:
        """See who a stranger is, and let its question be answered."""
        handed_on = False
        try:
            peer = await self._peers.of_session(envelope.did, envelope.session, envelope.epoch)
            handed_on = True
            self._arrived(asked, envelope, peer)
        finally:
            if not handed_on:
                asked.end()

    def _arrived(self, asked: Asked, envelope: Envelope, peer: Peer | None) -> None:
        """Let a question be answered that *peer* has asked, if it has."""
        if peer is None:
            self._refusals.count("seal", envelope.did, "it asks and is not known")
            asked.end()
            return
        try:
            request = read_request(peer.seals.open(envelope.sealed, b"request"))
        except (msgspec.DecodeError, NotSealed) as exc:
            self._refusals.count("seal", envelope.did, f"a question cannot be read: {exc}")
            asked.end()
            return
        peer.last_seen = int(time.time() * 1000)
        if self._of_peer[peer.did] >= AT_ONCE_FOR_A_PEER and request.method != CANCEL:
            self._refusals.count("flood", peer.did, f"more than {AT_ONCE_FOR_A_PEER} questions at once")
            asked.turn_away()
            return
        place = (peer.card.session, request.id)
        if place in self._given_up:
            del self._given_up[place]
            asked.end()
            return
        self._of_peer[peer.did] += 1
        task = asyncio.create_task(self._answer(peer, request, asked))
        self._answering[place] = task
        task.add_done_callback(lambda _: self._answered(peer, place))

    async def _answer(self, peer: Peer, request: Request, asked: Asked) -> None:
        context = b"reply" + request.id
        number = 0
        is_ended = False

        async def end_with(*told: Any) -> None:
            nonlocal is_ended
            is_ended = True
            sealed = peer.seals.seal(encode(Piece(number, True, *told)), context)
            await self._on_a_thread(asked.reply_and_end, sealed)

        try:
            body = b""
            self._refuse_if_restricted(request.method)
            if streaming := self.streams.get(request.method):
                async with aclosing(streaming(peer, request.body)) as pieces:
                    async for piece in pieces:
                        sealed = peer.seals.seal(encode(Piece(number, is_last=False, body=piece)), context)
                        await self._on_a_thread(asked.reply, sealed)
                        number += 1
            else:
                body = await self.answers.get(request.method, _answer_nothing)(peer, request.body)
            await end_with(body)
        except HecateError as exc:
            if exc.code == MeshDenied.code:
                self._refusals.count("denied", peer.did, str(exc))
            retry_after = exc.retry_after_seconds if isinstance(exc, ProviderFailed) else None
            await end_with(b"", exc.code, exc.status, str(exc), retry_after or 0)
        except Exception:
            log.exception("bug", mesh_method=request.method, peer=peer.did)
            await end_with(b"", HecateError.code, HecateError.status, "this is a bug")
        finally:
            if not is_ended:
                asked.end()

    def _refuse_if_restricted(self, method: str) -> None:
        if method not in self.unrestricted and (refusal := self.restriction.in_force):
            raise refusal()

    async def _on_a_thread(self, send: Callable[[bytes], None], sealed: bytes) -> None:
        # Since a peer that does not read holds it up; one piece after the other.
        await asyncio.get_running_loop().run_in_executor(self._pool, send, sealed)

    def _answered(self, peer: Peer, place: tuple[str, bytes]) -> None:
        self._answering.pop(place, None)
        self._of_peer[peer.did] -= 1
        if not self._of_peer[peer.did]:
            del self._of_peer[peer.did]

    async def _cancel(self, peer: Peer, body: bytes) -> bytes:
        """Stop answering the question with the id *body*, if it is the peer's own; it may not have come yet."""
        place = (peer.card.session, body)
        if task := self._answering.get(place):
            task.cancel()
        elif len(body) == REQUEST_ID_BYTES:
            self._given_up[place] = None
            if len(self._given_up) > GIVEN_UP_REMEMBERED:
                del self._given_up[next(iter(self._given_up))]
        return b""

    def _left(self, peer: Peer) -> None:
        for (session, _), task in self._answering.items():
            if session == peer.card.session:
                task.cancel()


async def _answer_nothing(_peer: Peer, _body: bytes) -> bytes:
    """Answer a question of a kind that this version does not know."""
    raise NoResponder("this daemon does not know how to answer that; its version may be older")
