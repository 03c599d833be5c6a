"""The ventures that are shared in the mesh: this daemon's, and those of peers, which can only be read.

GET /api/mesh/ventures
GET /api/mesh/ventures/{identity}/{venture_id}/facts
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.errors import NotFound
from hecate.dossiers.times import rfc3339_milliseconds
from hecate.endpoints import Call, PageQuery, Route
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_store import KeptFact, facts_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

SETUP = "venture_setup_v1"
OF_PEERS = """
    SELECT facts.origin, facts.venture_id, count(*), max(position), coalesce(peers.name, ''),
           (SELECT data FROM facts AS f WHERE (f.origin, f.venture_id, f.type) = (facts.origin, facts.venture_id, ?))
    FROM facts LEFT JOIN peers ON peers.did = facts.origin GROUP BY facts.origin, facts.venture_id
"""
OWN = """
    SELECT count(*), max(position), (SELECT data FROM events AS e WHERE (e.venture_id, e.type) = (?1, ?2))
    FROM events WHERE venture_id = ?1
"""


class MeshVenture(msgspec.Struct, kw_only=True):
    """A shared venture as answers show it."""

    venture_id: str
    origin: str | None
    """The identity of the daemon whose venture it is; null for this daemon's while the mesh is off."""
    peer: str
    """Its name; ``self`` for this daemon."""
    name: str
    """Empty as long as it is not known."""
    brief: str
    shared: bool
    """Whether its origin shares it now, as far as that is known: what was kept stays."""
    facts: int
    """How many there are here."""
    newest: int
    """The position of the newest of them, in the origin's event log."""
    types: tuple[str, ...] | None
    """Which facts this daemon shares, empty for all; null for a peer's venture."""


class MeshVentures(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/mesh/ventures``."""

    ok: bool
    ventures: list[MeshVenture]


class MeshFact(msgspec.Struct, kw_only=True):
    """A fact as answers show it."""

    position: int
    """In its origin's event log."""
    previous: int
    """The position of the fact before it, 0 for the first."""
    event_id: str
    stream: str
    version: int
    type: str
    data: Any
    recorded_at: str
    signature: str
    """The origin's, in base 64."""


class MeshFacts(msgspec.Struct, kw_only=True):
    """A page of a venture's facts."""

    ok: bool
    facts: list[MeshFact]
    next: int
    """The ``after`` of the next page."""


async def list_ventures(call: Call) -> Mapping[str, Any]:
    """List the shared ventures, this daemon's own first."""
    mesh = call.services.get(Mesh)
    return {"ventures": [*await _own(mesh), *await _of_peers(mesh)]}


async def list_facts(call: Call) -> Mapping[str, Any]:
    """List the facts of a peer's venture that are kept here, oldest first."""
    mesh = call.services.get(Mesh)
    query: PageQuery = call.query
    venture_id = call.path["venture_id"]
    origin = call.path["identity"]
    store = await mesh.store()

    def page(db: apsw.Connection) -> list[KeptFact] | None:
        row = db.execute("SELECT did FROM peers WHERE name = ?", (origin,)).fetchone()
        did = row[0] if row else origin
        if db.execute("SELECT 1 FROM facts WHERE (origin, venture_id) = (?, ?)", (did, venture_id)).fetchone() is None:
            return None
        return facts_after(db, did, venture_id, query.after, query.limit)

    facts = await store.run(page)
    if facts is None:
        raise NotFound(f"no peer {origin!r} has shared a venture {venture_id!r}")
    return {"facts": [_fact(fact) for fact in facts], "next": facts[-1].position if facts else query.after}


async def _own(mesh: Mesh) -> list[MeshVenture]:
    shared = [*(await mesh.log.decisions()).ventures.values()]
    origin = None if mesh.member is None else mesh.member.node.did

    def rows(db: apsw.Connection) -> list[tuple[Any, ...]]:
        return [db.execute(OWN, (one.venture_id, SETUP)).fetchone() or (0, 0, None) for one in shared]

    return [
        MeshVenture(
            venture_id=one.venture_id,
            origin=origin,
            peer="self",
            shared=True,
            facts=count,
            newest=newest or 0,
            types=one.types,
            **_said(setup),
        )
        for one, (count, newest, setup) in zip(shared, await mesh.events.read(rows), strict=True)
    ]


async def _of_peers(mesh: Mesh) -> list[MeshVenture]:
    store = await mesh.store()
    rows: list[tuple[Any, ...]] = await store.run(lambda db: db.execute(OF_PEERS, (SETUP,)).fetchall())
    present = {} if mesh.member is None else mesh.member.node.peers.present
    shared = {(did, one.venture_id) for did, peer in present.items() for one in peer.card.ventures}
    return [
        MeshVenture(
            venture_id=venture_id,
            origin=origin,
            peer=present[origin].name if origin in present else name,
            shared=(origin, venture_id) in shared,
            facts=count,
            newest=newest,
            types=None,
            **_said(setup),
        )
        for origin, venture_id, count, newest, name, setup in rows
    ]


def _said(setup: str | None) -> dict[str, str]:
    """Return name and brief of a venture that was set up so."""
    data = msgspec.json.decode(setup) if setup else {}
    return {"name": str(data.get("name", "")), "brief": str(data.get("brief", ""))}


def _fact(fact: KeptFact) -> MeshFact:
    return MeshFact(
        position=fact.position,
        previous=fact.previous,
        event_id=fact.event_id,
        stream=fact.stream,
        version=fact.version,
        type=fact.type,
        data=msgspec.Raw(fact.data.encode()),
        recorded_at=rfc3339_milliseconds(fact.recorded_at),
        signature=b64encode(fact.signature).decode(),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/mesh/ventures",
        call=list_ventures,
        summary="List the ventures that are shared in the mesh.",
        answer=MeshVentures,
        tag="mesh",
    ),
    Route(
        method="GET",
        path="/api/mesh/ventures/{identity}/{venture_id}/facts",
        call=list_facts,
        summary="List the facts of a peer's venture.",
        query=PageQuery,
        answer=MeshFacts,
        errors=(404,),
        tag="mesh",
    ),
)
