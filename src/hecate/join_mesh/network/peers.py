"""Who is present in the realm: those whose token is seen and whose card proves who they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hecate.dossiers.errors import Invalid
from hecate.dossiers.event_store import now_milliseconds
from hecate.join_mesh.errors import NoResponder
from hecate.join_mesh.mesh_store import KnownPeer
from hecate.join_mesh.network.cards import Card, checked, new_nonce
from hecate.join_mesh.network.peer import Peer, name_for
from hecate.join_mesh.network.seals import Seals
from hecate.join_mesh.network.session import AskerTooSlow, Session, TurnedAway
from hecate.join_mesh.refusals import Refusals

CARD_SECONDS: Final = 2.0
SECONDS_AFTER_NEWS: Final = 0.01
SECONDS_BETWEEN_CARDS: Final = 0.1
TRIES: Final = 4
"""A token may be seen a little before the way to its card is known."""
MOST_TOKENS: Final = 1000
MOST_EPOCHS: Final = 64
"""Of one session at a time."""
LONGEST_EPOCH: Final = 10
"""Digits."""
MOST_MISSES: Final = 3
MOST_SESSIONS: Final = 100_000
"""Of all peers, while this one lasts."""


class Peers:
    """The peers that are present.

    A session shows itself at a place: its identity, its own id and an epoch.  When two links come up at once, zenoh's
    routers may for ever miss what was declared before; so a session with new links declares itself anew, with the next
    epoch, and is present for as long as a token of any epoch is seen.

    Args:
        session: The mesh.
        me: This daemon's identity and session, as in the key of its token.
        secret: This session's X25519 key.
        realm: The fingerprint of the realm's authority.
        refusals: Is told of impostors.
        earlier: Those who were seen in earlier sessions.
        own_name: Which no peer may have.
    """

    def __init__(
        self,
        session: Session,
        me: tuple[str, str],
        secret: X25519PrivateKey,
        realm: str,
        refusals: Refusals,
        *,
        earlier: Iterable[KnownPeer],
        own_name: str,
    ) -> None:
        self._session = session
        self._did, self._my_session = me
        self._secret = secret
        self._realm = realm
        self._refusals = refusals
        self._names: dict[str, str] = {}
        """What each peer that was ever seen is or was called, by identity."""
        self._first_seen: dict[str, int] = {}
        for known in earlier:
            self._names[known.did], self._first_seen[known.did] = known.name, known.first_seen
        self._own_name = own_name
        self._by_session: dict[str, Peer] = {}
        self._seals: dict[tuple[str, bytes], Seals] = {}
        self._introductions: dict[str, asyncio.Task[Peer | None]] = {}
        self._tokens: dict[str, tuple[str, set[int]]] = {}
        """By session: whose it is, and the epochs that are seen."""
        self.present: dict[str, Peer] = {}
        """By identity."""
        self.shut_out: set[str] = set()
        """Identities that are not let in any more."""
        self.on_arrival: list[Callable[[Peer], None]] = []
        """Are told of each peer that is new, or whose card has changed."""
        self.on_departure: list[Callable[[Peer], None]] = []

    async def watch(self) -> None:
        """Begin to see who comes and goes."""
        await self._session.watch_presence("peer/*/*/*", self._token_seen)

    async def close(self) -> None:
        """Stop asking for cards."""
        tasks = [*self._introductions.values()]
        tasks += [peer.refreshing for peer in self.present.values() if peer.refreshing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def named(self, name: str) -> Peer:
        """Return the peer with this name or identity.

        Raises:
            NoResponder: Nobody here has it.
        """
        if found := self.present.get(name):
            return found
        for peer in self.present.values():
            if peer.name == name:
                return peer
        raise NoResponder(f"there is no peer {name!r} in the mesh now")

    async def of_session(self, did: str, session: str, epoch: int) -> Peer | None:
        """Return who speaks in *session*, asked for its card if need be; None if that is not *did*."""
        peer = self._by_session.get(session)
        if peer is None:
            if did in self.shut_out or len(self._introductions) >= MOST_TOKENS:
                return None
            peer = await asyncio.shield(self._introduce(did, session, epoch))
        return peer if peer is not None and peer.did == did else None

    def known(self, did: str, session: str) -> Peer | None:
        """Return who speaks in *session*, if its card was seen and it is *did*."""
        peer = self._by_session.get(session)
        return peer if peer is not None and peer.did == did else None

    def knows(self, session: str) -> bool:
        """Return whether it is known who speaks in *session*."""
        return session in self._by_session

    def refresh(self, did: str, session: str) -> None:
        """Ask for the card again, since it is said to have changed."""
        peer = self._by_session.get(session)
        if peer is not None and peer.did == did and (peer.refreshing is None or peer.refreshing.done()):
            peer.refreshing = asyncio.create_task(self._refresh(peer))

    def look_after(self) -> None:
        """See that everybody who is present is still there, and that everybody who is there is present."""
        for peer in [*self.present.values()]:
            self.refresh(peer.did, peer.card.session)
        for session, (did, epochs) in self._tokens.items():
            if session not in self._by_session and did not in self.shut_out:
                _ = self._introduce(did, session, max(epochs))

    def drop(self, did: str) -> None:
        """Let *did* be gone, which was shut out."""
        for session in [one for one, peer in self._by_session.items() if peer.did == did]:
            self._gone(session)

    # -- tokens

    def _token_seen(self, key: str, is_there: bool) -> None:  # noqa: FBT001 - a callback
        _, did, session, number = key.split("/")
        epoch = int(number) if number.isdecimal() and len(number) < LONGEST_EPOCH else 0
        _, epochs = self._tokens.get(session, (did, set()))
        if not is_there:
            epochs.discard(epoch)
            if not epochs:
                self._tokens.pop(session, None)
                self._gone(session)
        elif session == self._my_session:
            return
        elif did == self._did:
            self._refusals.count("name", did, "another session shows this daemon's own identity")
        elif did in self.shut_out:
            self._refusals.count("shut_out", did, "it was shut out of the realm")
        elif len(self._tokens) >= MOST_TOKENS or len(epochs) >= MOST_EPOCHS:
            self._refusals.count("flood", did, f"there are more than {MOST_TOKENS} tokens")
        else:
            epochs.add(epoch)
            self._tokens.setdefault(session, (did, epochs))
            if peer := self._by_session.get(session):
                peer.epoch = max(peer.epoch, epoch)
            else:
                _ = self._introduce(did, session, epoch)

    def _introduce(self, did: str, session: str, epoch: int) -> asyncio.Task[Peer | None]:
        task = self._introductions.get(session)
        if task is None:
            task = asyncio.create_task(self._introduced(did, session, epoch))
            self._introductions[session] = task
            task.add_done_callback(lambda _: self._introductions.pop(session, None))
        return task

    async def _introduced(self, did: str, session: str, epoch: int) -> Peer | None:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(0.05 * 2**attempt)
            _, epochs = self._tokens.get(session, (did, set()))
            newest = max(epochs, default=epoch)
            card, milliseconds = await self._card(did, session, newest)
            if card is not None:
                return self._arrived(card, newest, milliseconds)
        if session in self._tokens:
            self._refusals.count("card", did, "it is present and shows no card of its own")
        return None

    async def _card(self, did: str, session: str, epoch: int) -> tuple[Card | None, float]:
        nonce = new_nonce()
        began = time.perf_counter()
        try:
            async with aclosing(self._session.ask(f"card/{did}/{session}/{epoch}", nonce, CARD_SECONDS)) as shown:
                async for piece in shown:
                    milliseconds = (time.perf_counter() - began) * 1000
                    try:
                        return checked(piece, did=did, session=session, realm=self._realm, nonce=nonce), milliseconds
                    except Invalid as exc:
                        self._refusals.count("card", did, str(exc))
        except AskerTooSlow:
            self._refusals.count("flood", did, "far too much was answered to the question for its card")
        except TurnedAway:
            # It has no time now; whoever wants the card asks again.
            return None, 0.0
        return None, 0.0

    async def _refresh(self, peer: Peer) -> None:
        # What is said to have changed several times at once is asked for once, and nobody can have it asked for often.
        await asyncio.sleep(max(SECONDS_AFTER_NEWS, peer.asked_at + SECONDS_BETWEEN_CARDS - time.monotonic()))
        peer.asked_at = time.monotonic()
        card, milliseconds = await self._card(peer.did, peer.card.session, peer.epoch)
        if card is None:
            peer.misses += 1
            if peer.misses >= MOST_MISSES:
                # Its token was left behind; a new one, or the next look, brings it back if it is there.
                self._gone(peer.card.session)
            return
        peer.misses = 0
        if card.seal_key == peer.card.seal_key and self._by_session.get(card.session) is peer:
            peer.card, peer.last_seen, peer.round_trip_ms = card, now_milliseconds(), milliseconds
            for tell in self.on_arrival:
                tell(peer)

    # -- coming and going

    def _arrived(self, card: Card, epoch: int, milliseconds: float) -> Peer | None:
        if known := self._by_session.get(card.session):
            return known
        seals = self._seals_for(card)
        if seals is None:
            return None
        now = now_milliseconds()
        first_seen = self._first_seen.setdefault(card.did, now)
        name = name_for(card, first_seen, self.present.values(), self._own_name, self._taken_since(card))
        peer = Peer(card, seals, first_seen, now, name, epoch, milliseconds)
        self._names[card.did] = name
        self._by_session[card.session] = peer
        former = self.present.get(card.did)
        if former is None or former.card.since <= card.since:
            # A daemon that was killed and started again is there twice until the lease of the first is over.
            self.present[card.did] = peer
            for tell in self.on_arrival:
                tell(peer)
        return peer

    def _taken_since(self, card: Card) -> int | None:
        """Return when a daemon was first seen that has the name of *card* and is absent; None if there is none.

        Whoever calls itself as another must not be taken for it as soon as that is away: models and capabilities may
        be shared by name.
        """
        absent = (
            self._first_seen[did]
            for did, name in self._names.items()
            if name == card.name and did != card.did and did not in self.present and did not in self.shut_out
        )
        return min(absent, default=None)

    def _seals_for(self, card: Card) -> Seals | None:
        """Return the seals of the card's session: always the same, since no number may seal twice under one key."""
        place = (card.session, card.seal_key)
        seals = self._seals.get(place)
        if seals is None:
            if len(self._seals) >= MOST_SESSIONS:
                self._refusals.count("flood", card.did, f"there were more than {MOST_SESSIONS} sessions")
                return None
            try:
                seals = Seals(self._secret, self._my_session, card.seal_key, card.session)
            except ValueError:
                self._refusals.count("card", card.did, "its card has no key")
                return None
            self._seals[place] = seals
        return seals

    def _gone(self, session: str) -> None:
        peer = self._by_session.pop(session, None)
        if peer is not None and self.present.get(peer.did) is peer:
            del self.present[peer.did]
            peer.last_seen = now_milliseconds()
            for tell in self.on_departure:
                tell(peer)
