"""List: what language models have proposed for a venture.

GET /api/ventures/{venture_id}/discovery/proposals
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.discover_divisions import PROCESS
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.item_list import Item, ItemList
from hecate.dossiers.process import VENTURE
from hecate.endpoints import Call, PageQuery, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

PROPOSALS = ItemList(name="proposals", items={"divisions_proposed_v1": Item("proposal", "proposal_id")})
DISCOVERED = "SELECT name, id FROM divisions WHERE venture_id = ?"


class ProposedView(msgspec.Struct, kw_only=True):
    """A proposed division."""

    id: str
    """What `discover` takes as ``division_name``, beside the name itself."""
    name: str
    description: str
    rationale: str
    boundaries: list[str]
    division_id: str | None
    """The division of this name, if the venture has one by now."""


class ProposalView(msgspec.Struct, kw_only=True):
    """What a model has proposed at one time."""

    id: str
    proposal_id: str
    kind: str
    divisions: list[ProposedView]
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    hint: str
    recorded_at: str


class Proposals(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}/discovery/proposals``."""

    ok: bool
    proposals: list[ProposalView]
    next: int | None = None
    """Where the next page begins, null on the last."""


async def list_proposals(call: Call) -> Mapping[str, Any]:
    """List the proposals, the oldest first."""
    query: PageQuery = call.query
    venture_id = call.path["venture_id"]
    engine = call.services.get(Engine)

    def ask(db: apsw.Connection) -> tuple[list[dict[str, Any]], int | None, dict[str, str]]:
        if db.execute(VENTURE.lookup, (venture_id,)).fetchone() is None:
            raise NotFound(f"there is no venture {venture_id!r}")
        page = PROPOSALS.page(db, PROCESS.stream_of(venture_id), engine.event_types, query.after, query.limit)
        discovered = {str(name): str(division_id) for name, division_id in db.execute(DISCOVERED, (venture_id,))}
        return *page, discovered

    items, more, discovered = await engine.store.read(ask)
    for item in items:
        item["divisions"] = [
            {**msgspec.structs.asdict(division), "division_id": discovered.get(division.name)}
            for division in item["divisions"]
        ]
    return {"proposals": msgspec.convert(items, list[ProposalView]), "next": more}


ROUTES = (
    Route(
        method="GET",
        path="/api/ventures/{venture_id}/discovery/proposals",
        call=list_proposals,
        summary="List the divisions that language models have proposed for a venture.",
        query=PageQuery,
        answer=Proposals,
        errors=(404,),
        tag="discover_divisions",
    ),
)
