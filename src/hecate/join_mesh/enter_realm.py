"""Enter the realm of another daemon, with an invitation.

POST /api/mesh/join
{"invitation": "hecate-mesh-…"}
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from hecate.dossiers.errors import Refused
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.found_realm import taken_up
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_store import keep_shut_out
from hecate.join_mesh.show_status import MeshStatus, status_of

SECONDS_TO_MEET = 3.0


class EnterRealm(msgspec.Struct, frozen=True):
    """Ask to be let in."""

    invitation: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


async def enter(call: Call) -> Answer:
    """Use an invitation up, keep the certificate that it brings, and be in the mesh from now on."""
    mesh = call.services.get(Mesh)
    mesh.require_packages()
    from hecate.join_mesh.network.enrolment import apply  # noqa: PLC0415 - the packages may be missing
    from hecate.join_mesh.network.identity import Identity  # noqa: PLC0415
    from hecate.join_mesh.network.invitation import invitation_in  # noqa: PLC0415
    from hecate.join_mesh.network.realm import Membership, enter_realm  # noqa: PLC0415

    body: EnterRealm = call.body
    invitation = invitation_in(body.invitation)
    if await asyncio.to_thread(mesh.realm) is not None:
        # Before the invitation is used up for nothing.
        raise Refused("this daemon is in a realm already; `hecate mesh leave` first")
    identity = await asyncio.to_thread(Identity.kept_in, mesh.folder)
    authority, admission = await apply(invitation, identity)
    membership = Membership(realm=admission.realm, addresses=admission.addresses)
    await asyncio.to_thread(enter_realm, mesh.folder, identity, membership, authority, admission.certificate)
    store = await mesh.store()
    await store.run(lambda db: keep_shut_out(db, admission.shut_out))
    await taken_up(mesh)
    # Whoever has just been let in wants to know whether that works.
    await mesh.meet(SECONDS_TO_MEET)
    return Answer(await status_of(mesh), status=201)


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/join",
        call=enter,
        summary="Enter another daemon's mesh.",
        body=EnterRealm,
        answer=MeshStatus,
        status=201,
        errors=(400, 409, 503),
        example={"invitation": "hecate-mesh-lqRob21lkbAxOTIuMC4yLjE6NzQ0OA"},
        tag="mesh",
    ),
)
