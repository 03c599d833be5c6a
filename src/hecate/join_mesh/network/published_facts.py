"""The origin's side of shared ventures: peers are told that there is more, and get it from the event log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hecate.dossiers.event_store import EventStore
from hecate.dossiers.hash_chain import StoredEvent
from hecate.join_mesh.errors import MeshDenied
from hecate.join_mesh.mesh_events import VentureShared
from hecate.join_mesh.mesh_log import MeshLog
from hecate.join_mesh.mesh_store import KeptFact
from hecate.join_mesh.network.facts import encoded_page, question_in, signed_facts
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer

if TYPE_CHECKING:
    import apsw

METHOD: Final = "facts"
FACTS_A_PAGE: Final = 200
BYTES_A_PAGE: Final = 512 * 1024
LEAST_SECONDS_BETWEEN_NEWS: Final = 0.05


class PublishedFacts:
    """Answers peers, and tells them.

    Args:
        node: The mesh.
        log: Tells which ventures are shared.
        events: The daemon's event log.
    """

    def __init__(self, node: Node, log: MeshLog, events: EventStore) -> None:
        self._node = node
        self._log = log
        self._events = events
        self._sharing_changed = asyncio.Event()
        node.calls.answers[METHOD] = self._answer

    def sharing_changed(self) -> None:
        """Look again at what is shared."""
        self._sharing_changed.set()

    async def run(self) -> None:
        """Follow the event log."""
        position = -1
        while True:
            head = self._events.head
            await self._look()
            position = max(position, head)
            await asyncio.sleep(LEAST_SECONDS_BETWEEN_NEWS)
            await self._something_new(position)

    async def _something_new(self, position: int) -> None:
        self._sharing_changed.clear()
        waits = [
            asyncio.create_task(self._events.wait_past(position)),
            asyncio.create_task(self._sharing_changed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _look(self) -> None:
        shared = tuple((await self._log.decisions()).ventures.values())
        newest = await self._events.read(lambda db: {one.venture_id: _newest(db, one) for one in shared})
        if newest != self._node.newest_facts:
            self._node.newest_facts = newest
            self._node.card_changed()

    async def _answer(self, _peer: Peer, body: bytes) -> bytes:
        asked = question_in(body)
        shared = (await self._log.decisions()).ventures.get(asked.venture_id)
        if shared is None:
            raise MeshDenied(f"venture {asked.venture_id!r} is not shared")
        events = await self._events.read(lambda db: _page(db, shared, asked.after))
        facts = []
        previous = asked.after
        for event in events:
            # Meta stays here: who asked on this machine, and as which user, is nobody else's business.
            facts.append(
                KeptFact(
                    self._node.did,
                    asked.venture_id,
                    event.position,
                    previous,
                    event.event_id,
                    event.stream,
                    event.version,
                    event.type,
                    event.data,
                    event.recorded_at,
                    b"",
                )
            )
            previous = event.position
        return encoded_page(await asyncio.to_thread(signed_facts, facts, self._node.realm.identity))


def _page(db: apsw.Connection, shared: VentureShared, after: int) -> list[StoredEvent]:
    return EventStore.events_after(
        db, after, FACTS_A_PAGE, types=shared.types, venture_id=shared.venture_id, enough_bytes=BYTES_A_PAGE
    )


def _newest(db: apsw.Connection, shared: VentureShared) -> int:
    types = f"AND type IN ({', '.join('?' * len(shared.types))})" if shared.types else ""
    sql = f"SELECT position FROM events WHERE venture_id = ? {types} ORDER BY position DESC LIMIT 1"  # noqa: S608 - ours
    row = db.execute(sql, (shared.venture_id, *shared.types)).fetchone()
    return row[0] if row else 0
