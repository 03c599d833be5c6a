"""Leave the mesh, or shut another daemon out of it.

POST /api/mesh/leave
POST /api/mesh/revoke
{"peer": "laptop"}
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import Name
from hecate.endpoints import Call, Route
from hecate.join_mesh.errors import MeshOff, NoResponder
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_store import known_peers
from hecate.join_mesh.show_status import MeshStatus, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hecate.join_mesh.network.member import Member


class LeaveRealm(msgspec.Struct, frozen=True):
    """Ask to be in the realm no more."""

    even_as_keeper: bool = False
    """Whether the realm's authority is given up for ever: then nobody can be let in or shut out any more."""


class RevokePeer(msgspec.Struct, frozen=True):
    """Ask that a daemon is shut out."""

    peer: Name
    """Its name, or its identity."""


class Revoked(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/mesh/revoke``."""

    ok: bool
    revoked: str
    """The identity that is shut out."""


async def leave(call: Call) -> Mapping[str, Any]:
    """Leave, and forget the realm; the identity stays."""
    mesh = call.services.get(Mesh)
    mesh.require_packages()
    from hecate.join_mesh.network.realm import leave_realm  # noqa: PLC0415 - the package may be missing

    realm = await asyncio.to_thread(mesh.realm)
    if realm is None:
        raise MeshOff("this daemon is in no mesh")
    if realm.is_keeper and not call.body.even_as_keeper:
        raise Refused(
            f"this daemon is the keeper of realm {realm.name!r}: without it nobody can be let in or shut out any more; "
            "say even_as_keeper if that is meant"
        )
    await asyncio.to_thread(leave_realm, mesh.folder)
    await mesh.begin_anew()
    return await status_of(mesh)


async def revoke(call: Call) -> Mapping[str, Any]:
    """Shut a daemon out of the realm, present or not; all who hear of it refuse it from then on."""
    member = call.services.get(Mesh).up()
    did = await identity_of(member, call.body.peer)
    await member.shut_out(did)
    return {"revoked": did}


async def identity_of(member: Member, name: str) -> str:
    """Return the identity of the daemon that is or was called *name*, or has it as its identity.

    Raises:
        NoResponder: None was ever seen.
        Invalid: Several were.
    """
    from hecate.join_mesh.network.did_key import PREFIX, public_key_of  # noqa: PLC0415 - the package may be missing

    if name.startswith(PREFIX):
        public_key_of(name)
        return name
    present = member.node.peers.present.values()
    found = {peer.did for peer in present if peer.name == name}
    found = found or {peer.did for peer in await member.store.run(known_peers) if peer.name == name}
    if not found:
        raise NoResponder(f"no peer {name!r} was ever seen")
    if len(found) > 1:
        raise Invalid(f"several peers were called {name!r}: {', '.join(sorted(found))}; say which")
    return found.pop()


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/leave",
        call=leave,
        summary="Leave the mesh.",
        body=LeaveRealm,
        answer=MeshStatus,
        errors=(409, 503),
        body_may_be_absent=True,
        tag="mesh",
    ),
    Route(
        method="POST",
        path="/api/mesh/revoke",
        call=revoke,
        summary="Shut a daemon out of the mesh.",
        body=RevokePeer,
        answer=Revoked,
        errors=(400, 404, 409, 503),
        example={"peer": "laptop"},
        tag="mesh",
    ),
)
