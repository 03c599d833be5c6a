"""Which capabilities there are in the whole mesh.

GET /api/mesh/capabilities
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.dossiers.times import rfc3339
from hecate.endpoints import Call, Limit, Route
from hecate.join_mesh.mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hecate.join_mesh.mesh_events import CapabilityAnnounced
    from hecate.join_mesh.mesh_log import Decisions
    from hecate.join_mesh.network.member import Member
    from hecate.join_mesh.network.peer import Peer

    Signature = Callable[[CapabilityAnnounced, int], str | None]
    """Gives this daemon's under what it has announced at a time."""


class CapabilitiesQuery(msgspec.Struct, frozen=True):
    """Which capabilities; each filter that is given must fit."""

    tag: str = ""
    mri: str = ""
    """The name, or the beginning of one with ``*`` at its end."""
    peer: str = ""
    """A peer's name or identity; ``self`` for this daemon."""
    agent_id: str = ""
    """An ``agent_identity``, as clients of the original daemon ask for it."""
    limit: Limit = 50
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0


class CapabilityView(msgspec.Struct, kw_only=True):
    """A capability as answers show it."""

    mri: str
    peer: str
    """The name of the daemon that has it; ``self`` for this one."""
    identity: str | None
    """Its ``did:key``; null for this daemon while the mesh is off."""
    agent_identity: str
    tags: tuple[str, ...]
    description: str
    demo_procedure: str
    metadata: dict[str, Any]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    callable: bool
    """Whether `POST /api/mesh/call` gets an answer from it."""
    advertised: bool
    announced_at: str
    signature: str | None
    """Of the daemon that has it, under the announcement, in base 64; null where none is known, as while the mesh is
    off."""


class Capabilities(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/mesh/capabilities``."""

    ok: bool
    capabilities: list[CapabilityView]
    results: list[CapabilityView]
    """The same, as clients of the original daemon look for it."""
    count: int
    """Of all that fit, on this page or not."""


async def list_capabilities(call: Call) -> Mapping[str, Any]:
    """List this daemon's capabilities and those of all peers that are present."""
    mesh = call.services.get(Mesh)
    query: CapabilitiesQuery = call.query
    member = mesh.member
    identity = None if member is None else member.node.did
    found = list(_own(await mesh.log.decisions(), identity, _signatures(member)))
    for peer in () if member is None else member.node.peers.present.values():
        found += _of_peer(peer)
    fitting = [view for view in found if _fits(view, query)]
    fitting.sort(key=lambda view: (view.mri, view.peer != "self", view.peer))
    page = fitting[query.offset : query.offset + query.limit]
    return {"capabilities": page, "results": page, "count": len(fitting)}


def _signatures(member: Member | None) -> Signature:
    if member is None:
        return lambda _announced, _at: None
    from hecate.join_mesh.network.signed_capabilities import card_of  # noqa: PLC0415 - the package may be missing

    identity = member.node.realm.identity
    return lambda announced, at: b64encode(card_of(announced, at, identity).signature).decode()


def _own(decisions: Decisions, identity: str | None, signature: Signature) -> Iterator[CapabilityView]:
    for announced, at in decisions.capabilities.values():
        yield CapabilityView(
            mri=announced.mri,
            peer="self",
            identity=identity,
            agent_identity=announced.agent_identity,
            tags=announced.tags,
            description=announced.description,
            demo_procedure=announced.demo_procedure,
            metadata=announced.metadata,
            input_schema=announced.input_schema,
            output_schema=announced.output_schema,
            callable=bool(announced.serve_at),
            advertised=identity is not None,
            announced_at=rfc3339(at),
            signature=signature(announced, at),
        )


def _of_peer(peer: Peer) -> Iterator[CapabilityView]:
    from hecate.join_mesh.network.signed_capabilities import is_signed  # noqa: PLC0415 - the package may be missing

    for card in peer.card.capabilities:
        yield CapabilityView(
            mri=card.mri,
            peer=peer.name,
            identity=peer.did,
            agent_identity=card.agent_identity,
            tags=card.tags,
            description=card.description,
            demo_procedure=card.demo_procedure,
            metadata=card.metadata,
            input_schema=card.input_schema,
            output_schema=card.output_schema,
            callable=card.callable,
            advertised=True,
            announced_at=rfc3339(card.announced_at),
            signature=b64encode(card.signature).decode() if is_signed(peer.did, card) else None,
        )


def _fits(view: CapabilityView, query: CapabilitiesQuery) -> bool:
    beginning = query.mri.removesuffix("*")
    return (
        (not query.tag or query.tag in view.tags)
        and (view.mri.startswith(beginning) if query.mri.endswith("*") else query.mri in {"", view.mri})
        and query.peer in {"", view.peer, view.identity}
        and query.agent_id in {"", view.agent_identity}
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/mesh/capabilities",
        call=list_capabilities,
        summary="List the capabilities of all daemons in the mesh.",
        query=CapabilitiesQuery,
        answer=Capabilities,
        tag="mesh",
    ),
)
