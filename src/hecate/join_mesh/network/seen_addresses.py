"""At which address peers see this machine, behind whatever translates addresses: it tells where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from hecate.dossiers.errors import HecateError
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.questions import Told

METHOD: Final = "seen_at"
SECONDS: Final = 5.0
SECONDS_BETWEEN_LOOKS: Final = 600.0
SETTLING_SECONDS: Final = 1.0
"""After a peer has come: then those that come with it are asked, too, and the links are up."""
LONGEST_ADDRESS: Final = 64


class SeenAddresses:
    """Tells peers, and asks them.

    Args:
        node: The mesh.
        tell: Is told the address that each peer sees, by its identity, whenever they were asked.
    """

    def __init__(self, node: Node, tell: Callable[[Mapping[str, str]], None]) -> None:
        self._node = node
        self._tell = tell
        self._came = asyncio.Event()
        self._known: set[str] = set()
        node.calls.answers[METHOD] = self._answer
        node.peers.on_arrival.append(self._look)
        node.peers.on_departure.append(lambda peer: self._known.discard(peer.did))

    async def run(self) -> None:
        """Ask when somebody has come, and now and then."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS_BETWEEN_LOOKS):
                    await self._came.wait()
            await asyncio.sleep(SETTLING_SECONDS)
            self._came.clear()
            seen = {}
            for peer in [*self._node.peers.present.values()]:
                with suppress(Told, HecateError):
                    address = (await self._node.calls.ask_once(peer, METHOD, b"", SECONDS)).decode("ascii", "replace")
                    if address and len(address) <= LONGEST_ADDRESS:
                        seen[peer.did] = address
            self._tell(seen)

    def _look(self, peer: Peer) -> None:
        # A card that was only looked at again is no arrival.
        if peer.did not in self._known:
            self._known.add(peer.did)
            self._came.set()

    async def _answer(self, peer: Peer, _body: bytes) -> bytes:
        """Tell a neighbour its address; nothing to whom a third passes on."""
        there = next((link.there for link in await self._node.links() if link.did == peer.did), "")
        host, _, _ = there.partition("/")[2].rpartition(":")
        return host.strip("[]").encode()
