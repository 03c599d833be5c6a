"""Share a venture's facts with the mesh, or share them no more.

    POST /api/mesh/ventures
    {"venture_id": "v-0193f2a1b3c000112345"}

    DELETE /api/mesh/ventures/{venture_id}

What was shared stays with the peers that have kept it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.dossiers.errors import NotFound
from hecate.dossiers.messages import Name
from hecate.dossiers.process import VENTURE
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.announce_capability import meta_of
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_events import VentureShared, VentureUnshared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.messages import Event
    from hecate.join_mesh.mesh_log import Decisions


class ShareVenture(msgspec.Struct, frozen=True):
    """Ask that peers see a venture's facts."""

    venture_id: Name
    types: Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)] = ()
    """Stored names such as ``release_deployed_v1``; empty: all of its facts."""


class Sharing(msgspec.Struct, kw_only=True):
    """The answer to sharing a venture, and to sharing it no more."""

    ok: bool
    venture_id: str
    shared: bool
    types: tuple[str, ...]
    advertised: bool
    """Whether peers see the change now; false while the mesh is off."""


async def share(call: Call) -> Answer:
    """Share a venture; the same again adds nothing, other types replace those before."""
    body: ShareVenture = call.body
    shared = VentureShared(body.venture_id, tuple(sorted(set(body.types))))
    events = call.services.get(Mesh).events
    if await events.read(lambda db: db.execute(VENTURE.lookup, (body.venture_id,)).fetchone()) is None:
        raise NotFound(f"there is no venture {body.venture_id!r}")

    def decide(decisions: Decisions) -> Sequence[Event]:
        return [] if decisions.ventures.get(body.venture_id) == shared else [shared]

    return Answer(await _recorded(call, decide, shared.venture_id, shared.types), status=201)


async def unshare(call: Call) -> Mapping[str, Any]:
    """Share a venture no more."""
    venture_id = call.path["venture_id"]

    def decide(decisions: Decisions) -> Sequence[Event]:
        if venture_id not in decisions.ventures:
            raise NotFound(f"venture {venture_id!r} is not shared")
        return [VentureUnshared(venture_id)]

    return {**await _recorded(call, decide, venture_id, ()), "shared": False}


async def _recorded(call: Call, decide: Any, venture_id: str, types: tuple[str, ...]) -> dict[str, Any]:
    mesh = call.services.get(Mesh)
    await mesh.log.record(decide, meta_of(call))
    member = mesh.member
    if member is not None:
        member.published_facts.sharing_changed()
    return {"venture_id": venture_id, "shared": True, "types": types, "advertised": member is not None}


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/ventures",
        call=share,
        summary="Share a venture with the mesh.",
        body=ShareVenture,
        answer=Sharing,
        status=201,
        errors=(400, 404),
        example={"venture_id": "v-0193f2a1b3c000112345"},
        tag="mesh",
    ),
    Route(
        method="DELETE",
        path="/api/mesh/ventures/{venture_id}",
        call=unshare,
        summary="Share a venture no more.",
        answer=Sharing,
        errors=(404,),
        tag="mesh",
    ),
)
