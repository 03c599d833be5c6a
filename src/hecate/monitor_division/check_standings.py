"""Query: the checks of a division, how each stands now, and how it has done.

GET /api/divisions/{division_id}/monitoring/checks
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.dossiers.process import DIVISION
from hecate.dossiers.times import rfc3339, rfc3339_milliseconds
from hecate.endpoints import Call, PageQuery, Route
from hecate.monitor_division.figures import ErrorBudget, Figures, budget_of, figures_of
from hecate.monitor_division.samples_store import reader_beside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

STANDING: Final = """
SELECT c.check_id, c.position, c.name, c.type, c.target, c.interval_seconds, c.timeout_seconds, c.failure_threshold,
    c.expected_status, c.expected_body, c.severity, c.status, c.status_since, c.message, c.incident_id,
    o.objective_id, o.availability_percent, o.span
FROM health_checks c LEFT JOIN objectives o ON o.division_id = c.division_id AND o.check_id = c.check_id
WHERE c.division_id = ?1
"""
PAGE: Final = f"{STANDING} AND c.position > ?2 ORDER BY c.position LIMIT ?3"
LATEST: Final = """
SELECT polled_at, passed, latency_ms, message FROM samples
WHERE subject = (SELECT number FROM subjects WHERE id = ?) ORDER BY id DESC LIMIT 1
"""


class LatestPoll(Struct, frozen=True):
    """How the last poll went."""

    polled_at: str
    """To the millisecond."""
    passed: bool
    latency_ms: float
    message: str
    """Why it has failed."""


class CheckStanding(Struct, frozen=True):
    """A check, and how it stands."""

    check_id: str
    name: str
    type: str
    target: str
    interval_seconds: float
    timeout_seconds: float
    failure_threshold: int
    expected_status: int | None
    """Null: it is not of type http."""
    expected_body: str
    severity: str
    status: str
    """``healthy``, ``degraded``, ``unhealthy``, or ``unknown`` before the first poll."""
    status_since: str
    message: str
    """Why it is not healthy."""
    incident_id: str | None
    """Of the open incident that it has raised."""
    latest: LatestPoll | None
    """Null: it was not polled yet."""
    figures: dict[str, Figures] | None
    """By window: ``1h``, ``24h`` and ``30d``.  Null: it was not polled yet."""
    error_budget: ErrorBudget | None
    """Null: it has no objective."""


class CheckStandings(Struct, kw_only=True):
    """The answer to ``GET /api/divisions/{division_id}/monitoring/checks``."""

    ok: bool
    checks: list[CheckStanding]
    next: int | None = None
    """Where the next page begins, null on the last."""


def standings(db: apsw.Connection, rows: Sequence[tuple[Any, ...]]) -> list[CheckStanding]:
    """Return how the checks in *rows*, from `STANDING`, stand.  *db* reads the event store."""
    with reader_beside(db) as samples:
        return [_standing(samples, row) for row in rows]


def _standing(samples: apsw.Connection | None, row: tuple[Any, ...]) -> CheckStanding:
    check_id, _, *described, status, status_since, message, incident_id, objective_id, percent, window = row
    latest, figures = None, None
    if samples is not None:
        latest = _latest(samples, check_id)
        figures = figures_of(samples, check_id)
    budget = None
    if objective_id is not None and figures is not None:
        budget = budget_of(objective_id, percent, window, figures[window])
    name, kind, target, interval_seconds, timeout_seconds, threshold, expected_status, expected_body, severity = (
        described
    )
    return CheckStanding(
        check_id=check_id,
        name=name,
        type=kind,
        target=target,
        interval_seconds=interval_seconds,
        timeout_seconds=timeout_seconds,
        failure_threshold=threshold,
        expected_status=expected_status or None,
        expected_body=expected_body,
        severity=severity,
        status=status,
        status_since=rfc3339(status_since),
        message=message,
        incident_id=incident_id or None,
        latest=latest,
        figures=figures,
        error_budget=budget,
    )


def _latest(samples: apsw.Connection, check_id: str) -> LatestPoll | None:
    row: Any = samples.execute(LATEST, (check_id,)).fetchone()
    if row is None:
        return None
    polled_at, passed, latency_ms, message = row
    return LatestPoll(rfc3339_milliseconds(polled_at), bool(passed), latency_ms, message)


async def show_checks(call: Call) -> Mapping[str, Any]:
    """Show how each check of a division stands."""
    query: PageQuery = call.query
    division_id = call.path["division_id"]

    def ask(db: apsw.Connection) -> Mapping[str, Any]:
        if db.execute(DIVISION.lookup, (division_id,)).fetchone() is None:
            raise NotFound(f"there is no division {division_id!r}")
        rows = db.execute(PAGE, (division_id, query.after, query.limit + 1)).fetchall()
        more = len(rows) > query.limit
        return {
            "checks": standings(db, rows[: query.limit]),
            "next": rows[query.limit - 1][1] if more else None,
        }

    return await call.services.get(Engine).store.read(ask)


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}/monitoring/checks",
        call=show_checks,
        summary="Show how each health check of a division stands, its availability and its latencies.",
        query=PageQuery,
        answer=CheckStandings,
        errors=(404,),
        tag="monitor_division",
    ),
)
