"""Finding back: a daemon that reaches nobody looks whether somebody answers again, and then enters the mesh anew.

Zenoh tries an address again ever more seldom, up to once a minute, since it tries those, too, at which it is connected
already.  A daemon that was started before its network, or was cut off for long, must not wait for that.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Final

import structlog

from hecate.join_mesh.mesh_store import MeshStore, known_peers
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.places import all_places
from hecate.join_mesh.network.probes import Probes

LOOK_SECONDS: Final = 1.0
LATER_LOOK_SECONDS: Final = 10.0
IMPATIENT_SECONDS: Final = 3600.0
"""So long it looks often; who has been alone for longer may be so for good."""
FIRST_SECONDS: Final = 2.0
"""After the session's opening: so long zenoh is given to meet somebody, and twice as long each time it was in vain."""
MOST_SECONDS: Final = 60.0
APART_SECONDS: Final = 0.5
"""Two that find each other back must not both be away at that moment."""

log = structlog.get_logger(__name__)


class Reunion:
    """Looks for the others.

    Args:
        node: The session in which nobody may be.
        store: Tells who was seen once.
        in_vain: How many sessions before this one were opened for somebody who answered and then was not met.
    """

    def __init__(self, node: Node, store: MeshStore, in_vain: int) -> None:
        self._node = node
        self._store = store
        self.in_vain = in_vain
        self._probes = Probes(node.realm)

    async def run(self) -> Sequence[str]:
        """Return at which addresses somebody answers, when nobody was met for a while; it may take for ever."""
        await asyncio.sleep(min(MOST_SECONDS, FIRST_SECONDS * 2**self.in_vain))
        met_at = time.monotonic()
        while True:
            if await self._is_alone():
                found = await self._who_answers()
                await asyncio.sleep(random.uniform(0, APART_SECONDS))  # noqa: S311 - nothing secret
                if found and await self._is_alone():
                    self.in_vain += 1
                    log.info("mesh finds back", addresses=found)
                    return found
            else:
                self.in_vain = 0
                met_at = time.monotonic()
            is_patient = time.monotonic() - met_at > IMPATIENT_SECONDS
            await asyncio.sleep(LATER_LOOK_SECONDS if is_patient else LOOK_SECONDS)

    async def _is_alone(self) -> bool:
        peers = self._node.peers
        return not peers.present and not [link for link in await self._node.links() if link.did not in peers.shut_out]

    async def _who_answers(self) -> Sequence[str]:
        node = self._node
        known = [peer for peer in await self._store.run(known_peers) if peer.did not in node.peers.shut_out]
        addresses = set(all_places(node.realm, node.settings, known)).difference(node.addresses)
        told = await asyncio.gather(*map(self._probes.answers, addresses))
        return sorted(address for address, is_there in zip(addresses, told, strict=True) if is_there)
