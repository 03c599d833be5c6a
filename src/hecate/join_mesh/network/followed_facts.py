"""The follower's side of shared ventures: what peers share is kept here, each fact once and in its order.

Where the follower stands is what it has kept.  It asks the origin for what comes after that, however long the two were
apart: nothing depends on a message having come through.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from hecate.dossiers.errors import HecateError, Invalid, Refused
from hecate.join_mesh.mesh_store import MeshStore, keep_facts, kept_bytes, newest_fact
from hecate.join_mesh.network.cards import SharedVenture
from hecate.join_mesh.network.facts import check_page, encoded_question, page_in
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.published_facts import METHOD
from hecate.join_mesh.network.questions import Told

SECONDS_A_PAGE: Final = 10.0
MB: Final = 1_000_000

log = structlog.get_logger(__name__)


class FollowedFacts:
    """Asks peers.

    Args:
        node: The mesh.
        store: Where facts are kept.
    """

    def __init__(self, node: Node, store: MeshStore) -> None:
        self._node = node
        self._store = store
        self._following: dict[str, asyncio.Task[None]] = {}
        self._wanted: dict[str, Peer] = {}
        """Whose cards have come since they were last asked."""
        node.peers.on_arrival.append(self._look)

    async def close(self) -> None:
        """Ask no more."""
        tasks = [*self._following.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look(self, peer: Peer) -> None:
        if peer.card.ventures:
            self._wanted[peer.did] = peer
            if peer.did not in self._following:
                self._following[peer.did] = asyncio.create_task(self._follow(peer.did))

    async def _follow(self, did: str) -> None:
        """Fetch what *did* shares, one venture after the other, until its newest card says nothing new."""
        try:
            while (peer := self._wanted.pop(did, None)) is not None:
                for venture in peer.card.ventures:
                    await self._catch_up(peer, venture)
        except Told as told:
            log.info("mesh facts refused", peer=did, error=str(told))
        except Refused as exc:
            self._node.refusals.count("limit", did, str(exc))
        except Invalid as exc:
            self._node.refusals.count("fact", did, str(exc))
        except HecateError as exc:
            # It is gone, or the disk refuses: the next card begins anew where this has ended.
            log.info("mesh facts wait", peer=did, error=str(exc))
        finally:
            del self._following[did]

    async def _catch_up(self, peer: Peer, venture: SharedVenture) -> None:
        """Keep all that *peer* has of *venture* after what is kept.

        Raises:
            Invalid: It sends what it has not signed, or what does not follow.
            Refused: As much of it is kept as may be.
            Told, HecateError: It does not answer, or nothing can be kept.
        """
        venture_id = venture.venture_id
        after = await self._store.run(lambda db: newest_fact(db, peer.did, venture_id))
        while after < venture.newest:
            most = self._node.settings.kept_facts_mb * MB
            # At most one page beyond; without asking, since it would be asked again at each look at the peer.
            if await self._store.run(lambda db: kept_bytes(db, peer.did)) >= most:
                raise Refused(f"{peer.name} shares more facts than mesh.kept_facts_mb lets be kept ({most // MB} MB)")
            question = encoded_question(venture_id, after)
            facts = page_in(await self._node.calls.ask_once(peer, METHOD, question, SECONDS_A_PAGE))
            if not facts:
                return
            await asyncio.to_thread(check_page, facts, origin=peer.did, venture_id=venture_id, after=after)
            await self._store.run(lambda db, page=facts: keep_facts(db, page))  # type: ignore[misc]
            after = facts[-1].position
