"""What the calls of models have cost, and how they went.

    GET /api/llm/usage?by=model&since=2026-11-01

Every call counts, through whatever endpoint or dialect, and also one that has failed or was cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from hecate.dossiers.errors import Invalid, Unavailable
from hecate.endpoints import Call, Limit, Route
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.usage_store import DAY_MILLISECONDS

if TYPE_CHECKING:
    import apsw

By = Literal["day", "model", "provider", "venture", "division"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "day": ("day",),
    "model": ("provider", "model"),
    "provider": ("provider",),
    "venture": ("venture_id",),
    "division": ("venture_id", "division_id"),
}
"""The fields that tell the rows apart."""
COLUMNS: Mapping[str, str] = {
    "day": f"date(began_at / {DAY_MILLISECONDS} * {DAY_MILLISECONDS // 1000}, 'unixepoch')",
    "provider": "provider",
    "model": "model",
    "venture_id": "venture_id",
    "division_id": "division_id",
}
FIGURES: Mapping[str, str] = {
    "calls": "count(*)",
    "errors": "coalesce(sum(outcome NOT IN ('ok', 'cancelled')), 0)",
    "cancelled": "coalesce(sum(outcome = 'cancelled'), 0)",
    "prompt_tokens": "coalesce(sum(prompt_tokens), 0)",
    "completion_tokens": "coalesce(sum(completion_tokens), 0)",
    "total_tokens": "coalesce(sum(prompt_tokens + completion_tokens), 0)",
    "cached_tokens": "coalesce(sum(cached_tokens), 0)",
    "reasoning_tokens": "coalesce(sum(reasoning_tokens), 0)",
    "cost_usd": "round(sum(cost_usd), 10)",
    "unpriced_calls": "coalesce(sum(cost_usd IS NULL AND (outcome = 'ok' OR first_piece_ms IS NOT NULL)), 0)",
    "first_token_p50_ms": "round(percentile(iif(streamed, first_piece_ms, NULL), 50), 1)",
    "first_token_p95_ms": "round(percentile(iif(streamed, first_piece_ms, NULL), 95), 1)",
    "latency_p50_ms": "round(percentile(iif(outcome = 'ok', total_ms, NULL), 50), 1)",
    "latency_p95_ms": "round(percentile(iif(outcome = 'ok', total_ms, NULL), 95), 1)",
}
WITHIN = "FROM calls WHERE began_at >= ? AND began_at < ?"
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class UsageQuery(Struct, frozen=True):
    """Which calls, and how they are added up."""

    by: By = "day"
    since: str = ""
    """A date (``2026-11-01``, its midnight in UTC) or a time (RFC 3339); empty: as far back as calls are kept."""
    until: str = ""
    """The first moment that does not count any more, as in ``since``; a date counts to its end.  Empty: now."""
    limit: Limit = 50
    """How many rows at the most: the latest days, else those with the most calls."""


class UsageFigures(Struct, frozen=True, kw_only=True):
    """What some calls add up to."""

    calls: int
    errors: int
    """Calls that have failed."""
    cancelled: int
    """Calls whose client has gone away before the end."""
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    """The sum of all costs that are known; null: none is."""
    unpriced_calls: int
    """Calls that may have cost something, and nobody knows what: the model's price is unknown, or the
    provider has told no tokens, as when the client went away."""
    first_token_p50_ms: float | None
    """Until the first piece of a streamed answer: half of them were there sooner; null: there were none."""
    first_token_p95_ms: float | None
    latency_p50_ms: float | None
    """Until the end of an answer."""
    latency_p95_ms: float | None


class UsageRow(UsageFigures, frozen=True, kw_only=True, omit_defaults=True):
    """What the calls of one day, model, provider, venture or division add up to."""

    day: str = ""
    """Of UTC."""
    provider: str = ""
    model: str = ""
    venture_id: str | None = None
    """Empty: calls for no venture."""
    division_id: str | None = None
    """Empty: calls for no division."""


class UsageReport(Struct, frozen=True, kw_only=True):
    """The answer to ``GET /api/llm/usage``."""

    ok: bool
    by: By
    rows: tuple[UsageRow, ...]
    more: bool
    """Whether there were more rows than ``limit``."""
    total: UsageFigures
    """Of all calls in that time, also of those whose row is not shown."""


async def report_usage(call: Call) -> Mapping[str, Any]:
    """Add up the calls in some time."""
    query: UsageQuery = call.query
    since = _moment("since", query.since, LONG_AGO)
    until = _moment("until", query.until, FOR_EVER, to_the_end=True)
    if since >= until:
        raise Invalid("`since` must be before `until`, or no call is in between - at `$.since`")
    ledger = call.services.get(Gateway).ledger
    await ledger.up_to_date()
    if ledger.recorder is None:
        raise Unavailable("no calls are recorded yet: the daemon is starting")
    within = (_milliseconds(since), _milliseconds(until))

    names = GROUPS[query.by]
    keys = ", ".join(COLUMNS[name] for name in names)
    order = "1 DESC" if query.by == "day" else f"calls DESC, {keys}"
    figures = ", ".join(f"{formula} AS {name}" for name, formula in FIGURES.items())
    grouped = f"SELECT {keys}, {figures} {WITHIN} GROUP BY {keys} ORDER BY {order} LIMIT ?"

    def added_up(db: apsw.Connection) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        rows = db.execute(grouped, (*within, query.limit + 1)).fetchall()
        ((*total,),) = db.execute(f"SELECT {figures} {WITHIN}", within)
        return [dict(zip((*names, *FIGURES), row, strict=True)) for row in rows], dict(zip(FIGURES, total, strict=True))

    rows, total = await ledger.recorder.ask(added_up)
    return {"by": query.by, "rows": rows[: query.limit], "more": len(rows) > query.limit, "total": total}


def _moment(name: str, given: str, default: datetime, *, to_the_end: bool = False) -> datetime:
    """Return the time that *given* says.

    Raises:
        Invalid: It says none.
    """
    if not given:
        return default
    try:
        if _is_date(given):
            moment = datetime.fromisoformat(given)
            return (moment + timedelta(days=to_the_end)).replace(tzinfo=UTC)
        # In a query a "+" means a space.
        moment = datetime.fromisoformat(given.replace(" ", "+"))
    except (ValueError, OverflowError) as exc:
        raise Invalid(
            f"`{name}` is {given!r}, no date like 2026-11-01 and no time like 2026-11-01T10:00:00Z - at `$.{name}`"
        ) from exc
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_date(given: str) -> bool:
    try:
        date.fromisoformat(given)
    except ValueError:
        return False
    return True


def _milliseconds(moment: datetime) -> int:
    return (moment - LONG_AGO) // timedelta(milliseconds=1)


ROUTES = (
    Route(
        method="GET",
        path="/api/llm/usage",
        call=report_usage,
        summary="Add up what calls of models have cost and how they went, by day, model, provider, venture or division",
        query=UsageQuery,
        answer=UsageReport,
        errors=(400,),
        tag="llm",
    ),
)
