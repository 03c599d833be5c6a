"""Begin a mesh: this daemon founds a realm, of which it is the keeper.

POST /api/mesh/init
{"realm": "home"}
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.messages import Name
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.show_status import MeshStatus, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class FoundRealm(msgspec.Struct, frozen=True):
    """Ask for a realm of this daemon's own."""

    realm: Name = "home"


async def found(call: Call) -> Answer:
    """Found a realm, and be in the mesh from now on."""
    mesh = call.services.get(Mesh)
    mesh.require_packages()
    from hecate.join_mesh.network.realm import found_realm  # noqa: PLC0415 - the package may be missing

    body: FoundRealm = call.body
    await asyncio.to_thread(found_realm, mesh.folder, body.realm)
    return Answer(await taken_up(mesh), status=201)


async def taken_up(mesh: Mesh) -> Mapping[str, Any]:
    """Enter what the realm's files say now, and return the status.

    Raises:
        Unavailable: The session cannot be opened; the realm stays, and it is tried again.
    """
    await mesh.begin_anew()
    if mesh.member is None and mesh.error:
        raise Unavailable(f"the realm is kept, but the mesh is not up yet: {mesh.error}")
    return await status_of(mesh)


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/init",
        call=found,
        summary="Begin a mesh.",
        body=FoundRealm,
        answer=MeshStatus,
        status=201,
        errors=(400, 409, 503),
        body_may_be_absent=True,
        example={"realm": "home"},
        tag="mesh",
    ),
)
