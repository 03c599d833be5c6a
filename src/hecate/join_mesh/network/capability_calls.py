"""Calls of capabilities: those of peers come here, and are handed to the program on this machine that serves them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp
import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import NoResponder, PeerFailed, PeerSlow
from hecate.join_mesh.network.capability_tokens import check
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.questions import Told

if TYPE_CHECKING:
    from hecate.join_mesh.mesh_log import MeshLog

METHOD: Final = "call"
LONGEST_OUTPUT_BYTES: Final = 1024 * 1024
LEAST_SECONDS: Final = 0.001


class CapabilityCall(msgspec.Struct, frozen=True, array_like=True):
    """What a peer asks."""

    mri: str
    input: bytes
    """JSON."""
    token: str
    seconds: float
    """How long the caller waits."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(CapabilityCall).decode


class CapabilityCalls:
    """Both sides of such calls.

    Args:
        node: The mesh.
        log: Tells which capabilities there are here, and which tokens hold no more.
    """

    def __init__(self, node: Node, log: MeshLog) -> None:
        self._node = node
        self._log = log
        self._http: aiohttp.ClientSession | None = None
        node.calls.answers[METHOD] = self._answer

    async def close(self) -> None:
        """Close the connections to the programs that serve."""
        if self._http is not None:
            await self._http.close()

    # -- calling

    def offering(self, mri: str, name: str) -> Peer:
        """Return the peer to call: *name* if that is given, else the nearest that has the capability.

        Raises:
            NoResponder: There is none.
        """
        peers = [self._node.peers.named(name)] if name else self._node.peers.present.values()
        able = [peer for peer in peers if any(card.mri == mri and card.callable for card in peer.card.capabilities)]
        if not able:
            who = f"peer {name!r} does not have" if name else "nobody in the mesh has"
            raise NoResponder(f"{who} a capability {mri!r} that can be called")
        return min(able, key=lambda peer: (peer.round_trip_ms is None, peer.round_trip_ms or 0.0))

    async def call(self, peer: Peer, mri: str, given: bytes, token: str, seconds: float) -> bytes:
        """Return what *peer*'s capability makes of *given*; both are JSON.

        Raises:
            NoResponder, PeerFailed, PeerSlow, MeshDenied: As the peer says, or since it is gone.
        """
        body = _encode(CapabilityCall(mri, given, token, seconds))
        try:
            return await self._node.calls.ask_once(peer, METHOD, body, seconds)
        except Told as told:
            raise told.as_error() from told

    # -- being called

    async def _answer(self, peer: Peer, body: bytes) -> bytes:
        try:
            asked = _decode(body)
        except msgspec.DecodeError as exc:
            raise Invalid(f"this is no call of a capability: {exc}") from exc
        decisions = await self._log.decisions()
        check(asked.token, owner=self._node.did, caller=peer.did, mri=asked.mri, revoked=decisions.revoked_grants)
        found = decisions.capabilities.get(asked.mri)
        if found is None or not found[0].serve_at:
            raise NoResponder(f"this daemon has no capability {asked.mri!r} that can be called")
        return await self._served(found[0].serve_at, peer, asked)

    async def _served(self, url: str, peer: Peer, asked: CapabilityCall) -> bytes:
        if self._http is None:
            # Straight to this machine: no proxy of the environment's, no redirects, no cookies.
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        headers = {
            "Content-Type": "application/json",
            "X-Hecate-Peer": peer.did,
            "X-Hecate-Peer-Name": peer.name,
            "X-Hecate-Capability": asked.mri,
        }
        try:
            async with (
                asyncio.timeout(max(asked.seconds, LEAST_SECONDS)),
                self._http.post(url, data=asked.input, headers=headers, allow_redirects=False) as reply,
            ):
                output = await reply.content.read(LONGEST_OUTPUT_BYTES + 1)
                while len(output) <= LONGEST_OUTPUT_BYTES and (more := await reply.content.readany()):
                    output += more
                status = reply.status
        except TimeoutError as exc:
            raise PeerSlow("the program that serves the capability has not answered in time") from exc
        except aiohttp.ClientError as exc:
            raise PeerFailed(f"the program that serves the capability does not answer: {exc}") from exc
        if not 200 <= status < 300:
            raise PeerFailed(f"the program that serves the capability has answered with status {status}")
        if len(output) > LONGEST_OUTPUT_BYTES:
            raise PeerFailed(f"the capability's output has more than {LONGEST_OUTPUT_BYTES} bytes")
        return output or b"null"
