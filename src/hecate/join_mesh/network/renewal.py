"""Certificates before they expire: the keeper of a realm gives its members new ones, and itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from hecate.dossiers.errors import HecateError
from hecate.join_mesh.network.certificates import expires_at
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.questions import Told
from hecate.join_mesh.network.realm import keep_certificate

METHOD: Final = "renew"
SECONDS: Final = 10.0
LOOK_SECONDS: Final = 3600.0
RENEWED_BEFORE: Final = timedelta(days=30)

log = structlog.get_logger(__name__)


class Renewal:
    """Both sides of it.

    Args:
        node: The mesh.
        renewed_before: How long before its certificate expires a daemon asks for another.
    """

    def __init__(self, node: Node, renewed_before: timedelta = RENEWED_BEFORE) -> None:
        self._node = node
        self._renewed_before = renewed_before
        self._keeper_came = asyncio.Event()
        node.peers.on_arrival.append(self._look)
        node.calls.answers[METHOD] = self._answer

    async def run(self) -> None:
        """Wait until there is a new certificate; it holds from the session's next opening on."""
        while True:
            left = expires_at(self._node.realm.certificate) - datetime.now(UTC)
            self._keeper_came.clear()
            if left < self._renewed_before:
                if await self._renew():
                    return
                if left < self._renewed_before / 2:
                    log.warning("mesh certificate expires", in_hours=left // timedelta(hours=1))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._keeper_came.wait()

    def _look(self, peer: Peer) -> None:
        if peer.card.is_keeper:
            self._keeper_came.set()

    async def _renew(self) -> bool:
        realm = self._node.realm
        if realm.is_keeper:
            try:
                await asyncio.to_thread(keep_certificate, realm, realm.issue(realm.identity.did))
            except HecateError as exc:
                # Another keeper may have what is wrong here.
                log.warning("mesh cannot renew its own certificate", error=str(exc))
            else:
                return True
        for peer in [*self._node.peers.present.values()]:
            if not peer.card.is_keeper:
                continue
            with suppress(Told, HecateError):
                # Whoever only says that it is the keeper gives none that is the authority's.
                certificate = await self._node.calls.ask_once(peer, METHOD, b"", SECONDS)
                await asyncio.to_thread(keep_certificate, realm, certificate)
                log.info("mesh certificate renewed", keeper=peer.did)
                return True
        return False

    async def _answer(self, peer: Peer, _body: bytes) -> bytes:
        return self._node.realm.issue(peer.did)
