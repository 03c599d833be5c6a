"""How the mesh is.

GET /api/mesh/status
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.endpoints import Call, Route
from hecate.join_mesh.mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Mapping


class MeshStatus(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/mesh/status``."""

    ok: bool
    state: str
    """``disabled`` by the configuration, ``unavailable`` without its packages, ``local`` while this daemon is in no
    realm, ``connecting``, or ``connected`` to at least one neighbour."""
    connected: bool
    mode: str
    realm: str | None
    identity: str | None
    """This daemon's ``did:key``; null before it has one."""
    name: str | None
    fingerprint: str | None
    """SHA-256 of the realm's authority, which tells realms of one name apart."""
    is_keeper: bool
    """Whether this daemon can invite and revoke."""
    peers: int
    peer_count: int
    """The same, as clients of the original daemon look for it."""
    addresses: tuple[str, ...]
    """Where peers connect."""
    refused: dict[str, int]
    """How much was refused of peers and impostors, by kind."""
    error: str = ""
    """Why the mesh is not up, though it should be, or why nobody is met there."""


async def show_status(call: Call) -> Mapping[str, Any]:
    """Show whether this daemon is in the mesh, as whom, and with how many."""
    return await status_of(call.services.get(Mesh))


async def status_of(mesh: Mesh) -> Mapping[str, Any]:
    """Return the fields of a `MeshStatus`."""
    refused = dict(mesh.refusals.counts)
    member = mesh.member
    if member is None:
        missing = mesh.missing
        packages = f"not installed: {', '.join(missing)}; install hecate[mesh]" if missing else ""
        state = "unavailable" if missing else "connecting" if mesh.has_realm else "local"
        return {
            "state": state if mesh.settings.enabled else "disabled",
            "connected": False,
            "mode": "router",
            "realm": None,
            "identity": None,
            "name": None,
            "fingerprint": None,
            "is_keeper": False,
            "peers": 0,
            "peer_count": 0,
            "addresses": (),
            "refused": refused,
            **({"error": mesh.error or packages} if mesh.error or packages else {}),
        }
    node = member.node
    links = [link for link in await node.links() if link.did not in node.peers.shut_out]
    flood = node.session.turned_away
    is_shut_out = node.did in node.peers.shut_out
    return {
        "state": "connected" if links else "connecting",
        "connected": bool(links),
        "mode": "router",
        "realm": node.realm.name,
        "identity": node.did,
        "name": node.name,
        "fingerprint": node.realm.fingerprint,
        "is_keeper": node.realm.is_keeper,
        "peers": len(node.peers.present),
        "peer_count": len(node.peers.present),
        "addresses": node.addresses,
        "refused": {**refused, "flood": refused.get("flood", 0) + flood} if flood else refused,
        **({"error": "this daemon was shut out of the realm; `hecate mesh leave` leaves it"} if is_shut_out else {}),
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/mesh/status",
        call=show_status,
        summary="Check mesh connection status.",
        answer=MeshStatus,
        tag="mesh",
    ),
)
