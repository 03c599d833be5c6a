"""This daemon as a member of a realm: its session, and all that peers may ask of it and it of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from hecate.dossiers.errors import HecateError, Invalid
from hecate.join_mesh.mesh_store import MeshStore, invite, keep_shut_out, open_invitations, take_invitation
from hecate.join_mesh.network.capability_calls import CapabilityCalls
from hecate.join_mesh.network.enrolment import Door
from hecate.join_mesh.network.followed_facts import FollowedFacts
from hecate.join_mesh.network.invitation import SECRET_BYTES, Invitation, as_word
from hecate.join_mesh.network.node import Node, open_node
from hecate.join_mesh.network.own_addresses import own_hosts
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.peer_models import ModelsOfPeers
from hecate.join_mesh.network.published_facts import PublishedFacts
from hecate.join_mesh.network.questions import Told
from hecate.join_mesh.network.realm import CERTIFICATE_DAYS, Realm
from hecate.join_mesh.network.renewal import METHOD as RENEWAL, Renewal
from hecate.join_mesh.network.reunion import Reunion
from hecate.join_mesh.network.seen_addresses import METHOD as SEEN_AT, SeenAddresses
from hecate.join_mesh.network.shared_models import SharedModels
from hecate.join_mesh.network.shutting_out import Statement, holds, shut_out_by, shut_out_of

if TYPE_CHECKING:
    from hecate.join_mesh.mesh import Mesh

SHUT_OUT: Final = "shut_out"
SHUT_OUT_SECONDS: Final = 5.0
FAREWELL_SECONDS: Final = 1.0
SECONDS_BETWEEN_TRIES: Final = 5.0

log = structlog.get_logger(__name__)
_encode: Final = msgspec.msgpack.Encoder().encode
_read_statements: Final = msgspec.msgpack.Decoder(list[Statement]).decode


class Member:
    """What there is while the mesh is up; use `open_member`."""

    def __init__(self, mesh: Mesh, node: Node, store: MeshStore) -> None:
        self.mesh = mesh
        self.node = node
        self.store = store
        self.capability_calls = CapabilityCalls(node, mesh.log)
        self.published_facts = PublishedFacts(node, mesh.log, mesh.events)
        self._followed_facts = FollowedFacts(node, store)
        self._renewal = Renewal(node)
        self._reunion = Reunion(node, store, mesh.openings_in_vain)
        self._seen_addresses = SeenAddresses(node, mesh.seen_at)
        self._models_of_peers = ModelsOfPeers(node, mesh.gateway)
        SharedModels(node, mesh.gateway, store)
        self._door = Door(
            node.realm,
            node.addresses,
            use_invitation=self._use_invitation,
            shut_out=self._known_shut_out,
            refusals=mesh.refusals,
            valid=timedelta(days=CERTIFICATE_DAYS),
        )
        self._door_due = asyncio.Event()
        self._door_turn = asyncio.Lock()
        self._asking: set[asyncio.Task[None]] = set()
        """Questions to peers about who is shut out."""
        node.calls.answers[SHUT_OUT] = self._tell_shut_out
        node.calls.restriction = mesh.restriction
        node.calls.unrestricted |= {SHUT_OUT, RENEWAL, SEEN_AT}
        node.peers.on_arrival.append(self._compare)

    async def run(self) -> None:
        """Do what a member does, for as long as the mesh is up."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.node.run())
            group.create_task(self._models_of_peers.run())
            group.create_task(self.published_facts.run())
            group.create_task(self._keep_door())
            group.create_task(self._renew())
            group.create_task(self._find_back())
            group.create_task(self._seen_addresses.run())

    async def close(self) -> None:
        """End what was begun."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._door.close()
        await self._followed_facts.close()
        await self.capability_calls.close()

    async def _renew(self) -> None:
        """Begin anew with another certificate before this one expires."""
        await self._renewal.run()
        self.mesh.begin_anew_soon()

    async def _find_back(self) -> None:
        """Begin anew when somebody answers again to one who was alone."""
        try:
            self.mesh.answering = await self._reunion.run()
        finally:
            self.mesh.openings_in_vain = self._reunion.in_vain
        self.mesh.begin_anew_soon()

    # -- letting in

    async def invite(self, seconds: float, hosts: tuple[str, ...]) -> tuple[str, Invitation]:
        """Return an invitation that holds for *seconds*, as a word and as what it says.

        Args:
            seconds: From now.
            hosts: Where guests reach this machine; empty: as configured, or as its interfaces say.

        Raises:
            Refused: This daemon is not a keeper of the realm.
            Invalid: The authority's key here is not the realm's.
            Unavailable: It cannot wait for guests.
        """
        realm = self.node.realm
        await asyncio.to_thread(realm.authority_key)
        # Nobody may find that there is no invitation, and close the door, between the two.
        async with self._door_turn:
            port = await self._door.open(self.mesh.settings.invite_port)
            places = tuple(f"{host}:{port}" for host in hosts or own_hosts(self.mesh.settings))
            fingerprint = bytes.fromhex(realm.fingerprint)
            expires_at = int(time.time() + seconds)
            invitation = Invitation(realm.name, places, fingerprint, os.urandom(SECRET_BYTES), expires_at)
            await self.store.run(lambda db: invite(db, invitation.secret_hash, invitation.expires_at))
        self._door_due.set()
        return as_word(invitation), invitation

    async def _use_invitation(self, secret_hash: bytes) -> bool:
        taken = await self.store.run(lambda db: take_invitation(db, secret_hash))
        self._door_due.set()
        return taken

    async def _keep_door(self) -> None:
        """Keep the door open while there is an invitation, and no longer."""
        problem = ""
        while True:
            self._door_due.clear()
            try:
                seconds = await self._open_or_close_door()
                problem = ""
            except HecateError as exc:
                # Who waits for an invitation's guest must not take the whole mesh along.
                seconds = SECONDS_BETWEEN_TRIES
                if str(exc) != problem:
                    problem = str(exc)
                    log.warning("mesh lets nobody in", error=problem, again_in_seconds=seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._door_due.wait()

    async def _open_or_close_door(self) -> float | None:
        """Let the door be as the invitations want it, and return for how long they do, in seconds; None: for good.

        Raises:
            Unavailable: Something else is at the door's port, or the invitations cannot be read.
        """
        async with self._door_turn:
            expirations = await self.store.run(open_invitations) if self.node.realm.is_keeper else []
            if not expirations:
                await self._door.close()
                return None
            await self._door.open(self.mesh.settings.invite_port)
            return max(expirations) - time.time() + 1

    # -- shutting out

    async def shut_out(self, did: str) -> None:
        """Shut *did* out of the realm, here at once and everywhere as soon as the others hear of it.

        Raises:
            Refused: This daemon is not a keeper of the realm, or is *did* itself.
            Invalid: The authority's key here is not the realm's.
        """
        statement = shut_out_by(self.node.realm, did)
        if peer := self.node.peers.present.get(did):
            # It would find out only by hearing nothing more.
            with suppress(Told, HecateError):
                await self.node.calls.ask_once(peer, SHUT_OUT, _encode([statement]), FAREWELL_SECONDS)
        await self._take_in([statement])

    async def _take_in(self, statements: list[Statement]) -> None:
        new = [one for one in statements if one[0] not in self.node.peers.shut_out and holds(self.node.realm, one)]
        if not new:
            return
        await self.store.run(lambda db: keep_shut_out(db, new))
        for did, _, _ in new:
            self.node.peers.shut_out.add(did)
            self.node.peers.drop(did)
            log.warning("mesh shut out", peer=did)
        if all(did == self.node.did for did, _, _ in new):
            # It is this daemon itself: there is nobody to refuse, and the keeper tells the others.
            return
        # The others are told before the session begins anew, which only then refuses the connections.
        self.node.card_changed()
        await asyncio.sleep(0)
        for peer in list(self.node.peers.present.values()):
            self._begin(self._pass_on(peer))
        self._begin(self._refuse_links())

    async def _pass_on(self, peer: Peer) -> None:
        with suppress(Told, HecateError):
            await self.node.calls.ask_once(peer, SHUT_OUT, await self._statements(), SHUT_OUT_SECONDS)

    async def _refuse_links(self) -> None:
        await asyncio.gather(*(self._asking - {asyncio.current_task()}), return_exceptions=True)
        self.mesh.begin_anew_soon()

    async def _tell_shut_out(self, _peer: Peer, body: bytes) -> bytes:
        """Take in what a peer tells, and tell what is known here."""
        if body:
            await self._take_in(_statements_in(body))
        return await self._statements()

    def _compare(self, peer: Peer) -> None:
        if peer.card.shut_out != len(self.node.peers.shut_out):
            self._begin(self._exchange(peer))

    async def _exchange(self, peer: Peer) -> None:
        with suppress(Told, HecateError):
            body = await self._statements()
            await self._take_in(_statements_in(await self.node.calls.ask_once(peer, SHUT_OUT, body, SHUT_OUT_SECONDS)))

    async def _known_shut_out(self) -> tuple[Statement, ...]:
        return await shut_out_of(self.node.realm, self.store)

    async def _statements(self) -> bytes:
        return _encode(await self._known_shut_out())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


@asynccontextmanager
async def open_member(realm: Realm, mesh: Mesh, store: MeshStore) -> AsyncIterator[Member]:
    """Take part in *realm*.

    Raises:
        Unavailable: The session cannot be opened.
    """
    answering, mesh.answering = mesh.answering, ()
    async with open_node(realm, mesh.settings, mesh.log, store, mesh.refusals, answering=answering) as node:
        member = Member(mesh, node, store)
        try:
            await node.begin()
            yield member
        finally:
            await member.close()


def _statements_in(body: bytes) -> list[Statement]:
    try:
        return _read_statements(body)
    except msgspec.DecodeError as exc:
        raise Invalid(f"this says nobody who is shut out: {exc}") from exc
