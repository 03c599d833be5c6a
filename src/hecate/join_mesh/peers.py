"""Who else is in the mesh.

GET /api/mesh/peers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.times import rfc3339_milliseconds
from hecate.endpoints import Call, Route
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_store import known_peers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hecate.join_mesh.network.peer import Peer
    from hecate.join_mesh.network.session import LinkSeen


class PeersQuery(msgspec.Struct, frozen=True):
    """Which peers."""

    include_absent: bool = False
    """Whether those are shown, too, that were seen once and are not there now."""


class PeerView(msgspec.Struct, kw_only=True):
    """A peer as answers show it."""

    identity: str
    """Its ``did:key``."""
    name: str
    present: bool
    version: str | None
    connection: str | None
    """``direct``, or ``relayed`` by a third peer."""
    protocol: str | None
    """``tls`` or ``quic`` of a direct connection."""
    addresses: tuple[str, ...]
    first_seen: str
    last_seen: str
    round_trip_ms: float | None
    capabilities: tuple[str, ...]
    """The ``mri`` of each."""
    shares_models: bool
    is_keeper: bool


class Peers(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/mesh/peers``."""

    ok: bool
    peers: list[PeerView]
    peer_count: int
    """Of those that are present."""
    connected: bool


async def list_peers(call: Call) -> Mapping[str, Any]:
    """List the peers that are present, by name; none while the mesh is off."""
    mesh = call.services.get(Mesh)
    member = mesh.member
    views: list[PeerView] = []
    links: list[LinkSeen] = []
    if member is not None:
        shut_out = member.node.peers.shut_out
        links = [link for link in await member.node.links() if link.did not in shut_out]
        views = [_present(peer, links) for peer in member.node.peers.present.values()]
    count = len(views)
    if call.query.include_absent:
        there = {view.identity for view in views}
        store = await mesh.store()
        absent = [peer for peer in await store.run(known_peers) if peer.did not in there]
        views += [
            PeerView(
                identity=peer.did,
                name=peer.name,
                present=False,
                version=None,
                connection=None,
                protocol=None,
                addresses=tuple(peer.addresses.split()),
                first_seen=rfc3339_milliseconds(peer.first_seen),
                last_seen=rfc3339_milliseconds(peer.last_seen),
                round_trip_ms=None,
                capabilities=(),
                shares_models=False,
                is_keeper=False,
            )
            for peer in absent
        ]
    views.sort(key=lambda view: (not view.present, view.name))
    return {"peers": views, "peer_count": count, "connected": bool(links)}


def _present(peer: Peer, links: list[LinkSeen]) -> PeerView:
    card = peer.card
    direct = [link for link in links if link.did == peer.did]
    return PeerView(
        identity=peer.did,
        name=peer.name,
        present=True,
        version=card.version,
        connection="direct" if direct else "relayed",
        protocol=direct[0].protocol if direct else None,
        addresses=card.addresses,
        first_seen=rfc3339_milliseconds(peer.first_seen),
        last_seen=rfc3339_milliseconds(peer.last_seen),
        round_trip_ms=None if peer.round_trip_ms is None else round(peer.round_trip_ms, 2),
        capabilities=tuple(capability.mri for capability in card.capabilities),
        shares_models=card.shares_models,
        is_keeper=card.is_keeper,
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/mesh/peers",
        call=list_peers,
        summary="List connected peers.",
        query=PeersQuery,
        answer=Peers,
        tag="mesh",
    ),
)
