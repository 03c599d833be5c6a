"""This daemon in the mesh, from the opening of its session to its end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hecate import __version__
from hecate.dossiers.errors import HecateError, Invalid
from hecate.dossiers.event_store import now_milliseconds
from hecate.join_mesh.mesh_log import MeshLog
from hecate.join_mesh.mesh_store import KnownPeer, MeshStore, known_peers, saw_peers
from hecate.join_mesh.network.calls import Calls
from hecate.join_mesh.network.cards import Card, SharedVenture, signed
from hecate.join_mesh.network.own_addresses import own_addresses
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.peers import Peers
from hecate.join_mesh.network.places import usual_places
from hecate.join_mesh.network.realm import Realm
from hecate.join_mesh.network.refused_links import RefusedLink, telling_of_refused_links
from hecate.join_mesh.network.session import Asked, Declared, LinkSeen, Session
from hecate.join_mesh.network.shutting_out import shut_out_of
from hecate.join_mesh.network.signed_capabilities import capability_cards
from hecate.join_mesh.network.zenoh_settings import zenoh_settings
from hecate.join_mesh.refusals import Refusals
from hecate.join_mesh.settings import MeshSettings

SESSION_BYTES: Final = 8
SETTLING_SECONDS: Final = 0.3
"""Zenoh's routers compute their ways a tenth of a second after a link has come up."""
MOVING_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 10.0
"""Between two looks at each peer, which also make up for news that were lost."""

log = structlog.get_logger(__name__)
_encode: Final = msgspec.msgpack.Encoder().encode


class News(msgspec.Struct, frozen=True, array_like=True):
    """A hint that a daemon's card has changed; whoever hears it asks for the card, so that it need not be believed."""

    did: str
    session: str


_read_news: Final = msgspec.msgpack.Decoder(News).decode


class Node:
    """This daemon's session, peers and calls; use `open_node`."""

    def __init__(
        self,
        realm: Realm,
        settings: MeshSettings,
        session: Session,
        log_of_decisions: MeshLog,
        *,
        store: MeshStore,
        refusals: Refusals,
        earlier: Sequence[KnownPeer],
    ) -> None:
        self.realm = realm
        self.settings = settings
        self.store = store
        self.session = session
        self.refusals = refusals
        self.did = realm.identity.did
        self.name = settings.name or socket.gethostname()
        self.session_id = os.urandom(SESSION_BYTES).hex()
        self.began_at = now_milliseconds()
        self._log = log_of_decisions
        self._secret = X25519PrivateKey.generate()
        me = (self.did, self.session_id)
        self.peers = Peers(
            session,
            me,
            self._secret,
            realm.fingerprint,
            refusals,
            earlier=earlier,
            own_name=self.name,
        )
        self.calls = Calls(session, me, self.peers, refusals)
        self.addresses = own_addresses(settings)
        self.newest_facts: dict[str, int] = {}
        """The position of the newest fact of each venture that is shared."""
        self._linked = asyncio.Event()
        self._declared: list[Declared] = []
        self._begun: set[asyncio.Task[None]] = set()
        self._news_due = asyncio.Event()
        self._seen: dict[str, KnownPeer] = {}
        """Those to remember."""
        self._seen_more = asyncio.Event()
        self.peers.on_arrival.append(self._saw)
        self.peers.on_departure.append(self._saw)

    async def begin(self) -> None:
        """Watch, and then be seen."""
        await self.session.watch_links(self._linked_to)
        await self.peers.watch()
        await self._appear()

    async def run(self) -> None:
        """Keep in touch, for as long as the session lasts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_news())
            group.create_task(self._look_after_peers())
            group.create_task(self._appear_to_new_neighbours())
            group.create_task(self._keep_remembering())

    async def close(self) -> None:
        """Leave."""
        for task in self._begun:
            task.cancel()
        await asyncio.gather(*self._begun, return_exceptions=True)
        await self.peers.close()
        await self.calls.close()
        await self._remember_peers()
        await self.session.close()

    def use(self, settings: MeshSettings) -> None:
        """Go by *settings*, of which this session needs nothing else: see `MeshSettings.same_session`."""
        self.settings = settings
        self.card_changed()
        # More of their facts may be kept now.
        self.peers.look_after()

    async def links(self) -> list[LinkSeen]:
        """Return the connections to neighbours."""
        return await asyncio.to_thread(self.session.links)

    # -- this daemon's card

    async def card(self) -> Card:
        """Return what this daemon says of itself now, without a number of any asker."""
        decisions = await self._log.decisions()
        return Card(
            did=self.did,
            session=self.session_id,
            realm=self.realm.fingerprint,
            name=self.name,
            version=__version__,
            since=self.began_at,
            seal_key=self._secret.public_key().public_bytes_raw(),
            addresses=self.addresses,
            capabilities=capability_cards(decisions, self.realm.identity),
            ventures=tuple(
                SharedVenture(venture_id, self.newest_facts.get(venture_id, 0)) for venture_id in decisions.ventures
            ),
            shares_models=bool(self.settings.share_models),
            is_keeper=self.realm.is_keeper,
            shut_out=len(self.peers.shut_out),
        )

    def card_changed(self) -> None:
        """Let peers know, soon: what changes at once is told at once."""
        self._news_due.set()

    def _asked_for_card(self, asked: Asked) -> None:
        self._begin(self._show_card(asked))

    async def _show_card(self, asked: Asked) -> None:
        try:
            shown = signed(await self.card(), self.realm.identity, asked.payload)
            await asyncio.to_thread(asked.reply, shown)
        except Invalid as exc:
            self.refusals.count("card", "unknown", str(exc))
        finally:
            asked.end()

    # -- keeping in touch

    async def _tell_news(self) -> None:
        while True:
            await self._news_due.wait()
            self._news_due.clear()
            places = [f"news/{peer.place}" for peer in self.peers.present.values()]
            await self.session.tell(places, _encode(News(self.did, self.session_id)))

    def _news_heard(self, payload: bytes) -> None:
        with suppress(msgspec.DecodeError):
            news = _read_news(payload)
            self.peers.refresh(news.did, news.session)

    async def _look_after_peers(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.peers.look_after()

    # -- being seen

    async def _appear(self) -> None:
        """Declare this session at its next place: answer there first, and be seen last."""
        epoch = self.calls.epoch + 1
        place = f"{self.did}/{self.session_id}/{epoch}"
        former = self._declared
        self._declared = [
            await self.session.serve(f"card/{place}", self._asked_for_card),
            await self.session.serve(f"rpc/{place}", self.calls.asked),
            await self.session.listen(f"news/{place}", self._news_heard),
            await self.session.be_present(f"peer/{place}"),
        ]
        self.calls.epoch = epoch
        if former:
            self._begin(self._leave_place(former))

    async def _leave_place(self, former: list[Declared]) -> None:
        # Not at once: questions may be on their way there.
        await asyncio.sleep(MOVING_SECONDS)
        await self.session.withdraw(former)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    def _linked_to(self, did: str) -> None:
        if did in self.peers.shut_out:
            self.refusals.count("shut_out", did, "it has connected, and is told and heard nothing")
        else:
            self._linked.set()

    async def _appear_to_new_neighbours(self) -> None:
        while True:
            await self._linked.wait()
            # When the routers have agreed on their ways; links that come together need one appearance.
            await asyncio.sleep(SETTLING_SECONDS)
            self._linked.clear()
            await self._appear()

    # -- remembering

    def _saw(self, peer: Peer) -> None:
        addresses = " ".join(peer.card.addresses)
        self._seen[peer.did] = KnownPeer(peer.did, peer.name, addresses, peer.first_seen, peer.last_seen)
        self._seen_more.set()

    async def _keep_remembering(self) -> None:
        while True:
            await self._seen_more.wait()
            self._seen_more.clear()
            await self._remember_peers()

    async def _remember_peers(self) -> None:
        """Write down who was seen: for the next start, which must find the others without the one who has invited."""
        seen, self._seen = [*self._seen.values()], {}
        try:
            await self.store.run(lambda db: saw_peers(db, seen))
        except HecateError as exc:
            log.warning("mesh cannot remember peers", error=str(exc))


@asynccontextmanager
async def open_node(
    realm: Realm,
    settings: MeshSettings,
    log_of_decisions: MeshLog,
    store: MeshStore,
    refusals: Refusals,
    *,
    answering: Sequence[str] = (),
) -> AsyncIterator[Node]:
    """Open a session in *realm*, and leave it at the end.

    Args:
        realm: Which.
        settings: The table ``[mesh]``.
        log_of_decisions: What this daemon has decided about the mesh.
        store: Who was seen in earlier sessions.
        refusals: Is told of impostors.
        answering: Addresses at which somebody has just answered.

    Raises:
        Unavailable: It cannot be opened; the message says why.
    """
    earlier = await store.run(known_peers)
    names = {did for did, _, _ in await shut_out_of(realm, store)}
    places = usual_places(realm, settings, [peer for peer in earlier if peer.did not in names])
    configuration = zenoh_settings(realm, settings, tuple(dict.fromkeys((*answering, *places))), names)

    def tell(link: RefusedLink) -> None:
        # Who it was is not known: each reason is logged once.
        refusals.count("certificate", f"unknown, {link.protocol}: {link.reason}", link.reason)

    async with telling_of_refused_links(tell):
        session = await Session.open(configuration)
        node = Node(realm, settings, session, log_of_decisions, store=store, refusals=refusals, earlier=earlier)
        node.peers.shut_out |= names
        try:
            yield node
        finally:
            await node.close()
