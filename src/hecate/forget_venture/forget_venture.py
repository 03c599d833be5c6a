"""Forget a venture: erase every text that is recorded of it, for good.

    POST /api/ventures/{venture_id}/forget
    {"dry_run": true}

It is no desk: what it records is that nothing can be recorded any more, and that is answered once nothing is left.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.dossiers import forgetting
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Forgotten, Refused
from hecate.dossiers.read_model import Actor, Meta
from hecate.endpoints import Call, Route
from hecate.forget_venture.erase_traces import erase_all_traces
from hecate.forget_venture.what_stays import Outside, what_stays
from hecate.jobs.job import Surroundings
from hecate.join_mesh.mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

BESIDES: Final = (
    "backups, exports and archives that were made before have its texts, and so have peers it was shared with; "
    "the audit log has what was typed of its name in command lines"
)


class ForgetVenture(msgspec.Struct, frozen=True):
    """Ask that a venture is forgotten."""

    dry_run: bool
    """Whether only to say what would go; to be said either way, since there is no way back."""


class VentureForgotten(msgspec.Struct, kw_only=True):
    """The answer to forgetting a venture."""

    ok: bool
    venture_id: str
    dry_run: bool
    """Whether nothing was erased."""
    events: int
    """How many had texts."""
    jobs: int
    answers: int
    """To commands with an idempotency key."""
    outside: list[Outside]
    """Places on this machine that may hold its texts, and keep them."""
    besides: str
    """What else may, in a sentence."""


async def forget(call: Call) -> Mapping[str, Any]:
    """Forget a venture, or say what would go."""
    body: ForgetVenture = call.body
    venture_id = call.path["venture_id"]
    engine, mesh = call.services.get(Engine), call.services.get(Mesh)
    if venture_id in (await mesh.log.decisions()).ventures:
        raise Refused(
            f"venture {venture_id!r} cannot be forgotten: it is shared with the mesh, whose peers keep what they "
            "have; share it no more first"
        )
    meta = Meta(
        correlation_id=call.request_id,
        causation_id=call.request_id,
        actor=Actor(uid=call.peer.uid, pid=call.peer.pid) if call.peer else Actor(),
    )

    def ask(db: apsw.Connection) -> tuple[forgetting.Going, list[Outside]]:
        return forgetting.what_goes(db, engine.event_types, venture_id), _outside(call, db, venture_id)

    try:
        going, outside = await engine.store.read(ask)
        if not body.dry_run:
            # In the writer's thread: a venture may have many events, and the event loop other callers.
            unit = engine.store.writer.submit_from_thread(lambda db: forgetting.forget(engine, db, venture_id, meta))
            going = await asyncio.wrap_future(unit)
    except Forgotten:
        # Whoever asks again, since there was no answer, may rely on this one.
        await erase_all_traces(call.services)
        raise
    if not body.dry_run:
        await erase_all_traces(call.services)
    return {
        "venture_id": venture_id,
        "dry_run": body.dry_run,
        **msgspec.structs.asdict(going),
        "outside": outside,
        "besides": BESIDES,
    }


def _outside(call: Call, db: apsw.Connection, venture_id: str) -> list[Outside]:
    around = call.services.get(Surroundings)
    releases = call.services.get(DeploySettings).dir
    return what_stays(
        db,
        venture_id,
        around.data_dir,
        around.default_workspaces,
        Path(releases) if releases else around.data_dir / "releases",
    )


ROUTES = (
    Route(
        method="POST",
        path="/api/ventures/{venture_id}/forget",
        call=forget,
        summary="Erase every text that is recorded of a venture, for good.",
        body=ForgetVenture,
        answer=VentureForgotten,
        errors=(404, 409, 410),
        example={"dry_run": True},
        tag="ventures",
    ),
)
