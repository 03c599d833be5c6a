"""Read model: the ventures.

GET /api/ventures
GET /api/ventures/{venture_id}
GET /api/venture                  the newest that is not archived
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.processes import actions_in, progress_in
from hecate.dossiers.read_model import Fact, ReadModel
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Answer, Call, Limit, Route
from hecate.setup_venture import PROCESS
from hecate.setup_venture.assign_workspace import WorkspaceAssigned
from hecate.setup_venture.setup_venture import VentureSetup

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

SCHEMA = """
CREATE TABLE ventures (
    id           TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    brief        TEXT    NOT NULL,
    workspace    TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    setup_at     INTEGER NOT NULL,
    initiated_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
"""

BEHIND_ALL = "~"
"""Every id comes before it."""
COLUMNS = "id, name, brief, workspace, state, setup_at, initiated_by"


class VenturesQuery(msgspec.Struct, frozen=True):
    """Which ventures.  Their ids grow, so that a page goes on from an id."""

    limit: Limit = 50
    after: str = ""
    """The ``next`` of the page before."""
    include_archived: bool = False
    newest_first: bool = False


class VentureView(msgspec.Struct, kw_only=True):
    """A venture as answers show it."""

    id: str
    venture_id: str
    name: str
    brief: str
    workspace: str
    status: int
    """Bits: SETUP 1, ARCHIVED 2."""
    status_label: str
    setup_at: str
    initiated_at: int
    """Milliseconds since 1970, UTC."""
    initiated_by: str


class VentureInFull(VentureView, kw_only=True):
    """A venture as an answer about it alone shows it."""

    version: int
    available_actions: list[str]


class VentureShown(VentureInFull, kw_only=True):
    """The answer to ``GET /api/ventures/{venture_id}``: the venture, and its fields once more beside it."""

    ok: bool
    venture: VentureInFull


class Ventures(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/ventures``."""

    ok: bool
    ventures: list[VentureView]
    next: str | None = None
    """Where the next page begins, null on the last."""


def on_venture_setup(db: apsw.Connection, fact: Fact) -> None:
    """Add the venture."""
    setup = fact.event
    assert isinstance(setup, VentureSetup)  # noqa: S101 - the stored name says so
    db.execute(
        "INSERT INTO ventures VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            fact.venture_id,
            setup.name,
            setup.brief,
            setup.workspace,
            fact.progress.state,
            fact.recorded_at,
            str(fact.meta.actor),
        ),
    )


def on_workspace_assigned(db: apsw.Connection, fact: Fact) -> None:
    """Keep where the venture's code is."""
    assigned = fact.event
    assert isinstance(assigned, WorkspaceAssigned)  # noqa: S101 - the stored name says so
    db.execute("UPDATE ventures SET workspace = ? WHERE id = ?", (assigned.workspace, fact.venture_id))


def on_venture_archived(db: apsw.Connection, fact: Fact) -> None:
    """Keep that the venture is put away."""
    db.execute("UPDATE ventures SET state = ? WHERE id = ?", (fact.progress.state, fact.venture_id))


def view(row: tuple[Any, ...]) -> VentureView:
    """Return a row of `COLUMNS` as answers show it."""
    venture_id, name, brief, workspace, state, setup_at, initiated_by = row
    return VentureView(
        id=venture_id,
        venture_id=venture_id,
        name=name,
        brief=brief,
        workspace=workspace,
        status=PROCESS.status_of(state),
        status_label=state,
        setup_at=rfc3339(setup_at),
        initiated_at=setup_at,
        initiated_by=initiated_by,
    )


async def list_ventures(call: Call) -> Mapping[str, Any]:
    """List ventures, the oldest first unless asked for the newest."""
    query: VenturesQuery = call.query
    shown = "" if query.include_archived else "AND state <> 'archived'"
    which, order, begin = ("id < ?", "DESC", BEHIND_ALL) if query.newest_first else ("id > ?", "ASC", "")
    sql = f"SELECT {COLUMNS} FROM ventures WHERE {which} {shown} ORDER BY id {order} LIMIT ?"  # noqa: S608 - ours

    def page(db: apsw.Connection) -> list[tuple[Any, ...]]:
        return db.execute(sql, (query.after or begin, query.limit + 1)).fetchall()

    rows = await call.services.get(Engine).store.read(page)
    more = rows[query.limit - 1][0] if len(rows) > query.limit else None
    return {"ventures": [view(row) for row in rows[: query.limit]], "next": more}


async def show_venture(call: Call) -> Answer:
    """Show one venture, archived or not."""
    return await _show(call, "id = ?", call.path["venture_id"])


async def show_newest_venture(call: Call) -> Answer:
    """Show the newest venture that is not archived."""
    return await _show(call, "state <> ? ORDER BY id DESC LIMIT 1", "archived")


async def _show(call: Call, where: str, value: str) -> Answer:
    engine = call.services.get(Engine)

    def one(db: apsw.Connection) -> tuple[tuple[Any, ...] | None, int]:
        row = db.execute(f"SELECT {COLUMNS} FROM ventures WHERE {where}", (value,)).fetchone()  # noqa: S608 - ours
        return row, progress_in(db, PROCESS, row[0])[1] if row else 0

    row, version = await engine.store.read(one)
    if row is None:
        raise NotFound(f"there is no venture {value!r}" if "venture_id" in call.path else "there is no venture yet")
    fields = {
        **msgspec.structs.asdict(view(row)),
        "version": version,
        "available_actions": actions_in(engine.desks[PROCESS], row[4]),
    }
    return Answer({"venture": fields, **fields}, headers={"ETag": f'"{version}"'})


READ_MODEL = ReadModel(
    name="ventures",
    schema=SCHEMA,
    projections={
        "venture_setup_v1": on_venture_setup,
        "workspace_assigned_v1": on_workspace_assigned,
        "venture_archived_v1": on_venture_archived,
    },
    version=2,
)

ROUTES = (
    Route(
        method="GET",
        path="/api/ventures",
        call=list_ventures,
        summary="List all ventures.",
        query=VenturesQuery,
        answer=Ventures,
        tag="ventures",
    ),
    Route(
        method="GET",
        path="/api/ventures/{venture_id}",
        call=show_venture,
        summary="Get a specific venture.",
        answer=VentureShown,
        errors=(404,),
        tag="ventures",
    ),
    Route(
        method="GET",
        path="/api/venture",
        call=show_newest_venture,
        summary="Get the newest venture that is not archived.",
        answer=VentureShown,
        errors=(404,),
        tag="ventures",
    ),
)
