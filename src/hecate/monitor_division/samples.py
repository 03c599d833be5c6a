"""Query: how the checks of a division went, poll by poll, the latest first.

GET /api/divisions/{division_id}/monitoring/samples
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION
from hecate.dossiers.times import rfc3339_milliseconds
from hecate.endpoints import Call, Limit, Position, Route
from hecate.monitor_division.samples_store import reader_beside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

# The plus keeps SQLite from the index of the division, which has the samples of all its checks.
SAMPLES: Final = """
SELECT s.id, c.id, s.polled_at, s.passed, s.latency_ms, s.message
FROM samples s JOIN subjects c ON c.number = s.subject
WHERE {which} AND s.id < :before ORDER BY s.id DESC LIMIT :limit
"""
OF_DIVISION: Final = SAMPLES.format(which="s.division = (SELECT number FROM subjects WHERE id = :division)")
OF_CHECK: Final = SAMPLES.format(
    which="s.subject = (SELECT number FROM subjects WHERE id = :check) "
    "AND +s.division = (SELECT number FROM subjects WHERE id = :division)"
)
HAS_CHECK: Final = "SELECT 1 FROM health_checks WHERE check_id = ? AND division_id = ?"
NEWEST: Final = 2**63 - 1


class SamplesQuery(Struct, frozen=True):
    """Which polls."""

    check_id: str = ""
    """Only those of this check, which may have been retired since."""
    limit: Limit = 50
    after: Position = 0
    """The ``next`` of the page before; the next page has earlier ones."""


class SampleView(Struct, frozen=True):
    """How a poll went."""

    check_id: str
    polled_at: str
    """To the millisecond."""
    passed: bool
    latency_ms: float
    message: str
    """Why it has failed."""


class Samples(Struct, kw_only=True):
    """The answer to ``GET /api/divisions/{division_id}/monitoring/samples``."""

    ok: bool
    samples: list[SampleView]
    next: int | None = None
    """Where the next page begins, null on the last."""


async def list_samples(call: Call) -> Mapping[str, Any]:
    """List how the checks of a division went."""
    query: SamplesQuery = call.query
    division_id = call.path["division_id"]
    wanted = {
        "division": division_id,
        "check": query.check_id,
        "before": query.after or NEWEST,
        "limit": query.limit + 1,
    }

    def ask(db: apsw.Connection) -> Sequence[tuple[Any, ...]]:
        if db.execute(DIVISION.lookup, (division_id,)).fetchone() is None:
            raise NotFound(f"there is no division {division_id!r}")
        with reader_beside(db) as samples:
            sql = OF_CHECK if query.check_id else OF_DIVISION
            rows = [] if samples is None else samples.execute(sql, wanted).fetchall()
        if not rows and query.check_id and not db.execute(HAS_CHECK, (query.check_id, division_id)).fetchone():
            raise NotFound(f"division {division_id!r} has no check {query.check_id!r}")
        return rows

    rows = await call.services.get(Engine).store.read(ask)
    shown = [
        SampleView(check_id, rfc3339_milliseconds(polled_at), bool(passed), latency_ms, message)
        for _, check_id, polled_at, passed, latency_ms, message in rows[: query.limit]
    ]
    return {"samples": shown, "next": rows[query.limit - 1][0] if len(rows) > query.limit else None}


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}/monitoring/samples",
        call=list_samples,
        summary="List how the health checks of a division went, poll by poll, the latest first.",
        query=SamplesQuery,
        answer=Samples,
        errors=(404,),
        tag="monitor_division",
    ),
)
