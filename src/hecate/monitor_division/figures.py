"""Availability and latencies over 1 h, 24 h and 30 d, and what is left of an error budget.

A window ends now and begins with the whole minute, hour or day that its length ago falls into.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hecate.monitor_division.latency_buckets import percentile
from hecate.monitor_division.samples_store import DAY, FAILED, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

WINDOWS: Final = {"1h": (HOUR, MINUTE), "24h": (DAY, HOUR), "30d": (30 * DAY, DAY)}
"""Their lengths, and the steps in which they were counted; in seconds."""

# A seek for each step, since what is counted at the same time lies side by side.
COUNTED: Final = """
WITH RECURSIVE steps (start) AS (SELECT ?2 UNION ALL SELECT start + 1 FROM steps WHERE start < ?3)
SELECT c.bucket, sum(c.polls) FROM steps CROSS JOIN counts c
WHERE c.width = ?1 AND c.start = steps.start AND c.subject = (SELECT number FROM subjects WHERE id = ?4)
GROUP BY c.bucket
"""


class Figures(Struct, frozen=True):
    """What the polls in some window come to."""

    polls: int
    failures: int
    availability_percent: float | None
    """The share of polls that have passed; null: there was none."""
    latency_p50_ms: float | None
    """Half of the polls that have passed took no longer; within 2.5 %.  Null: none has."""
    latency_p95_ms: float | None
    latency_p99_ms: float | None


class ErrorBudget(Struct, frozen=True):
    """What an objective leaves to fail, and how much of that is left."""

    objective_id: str
    availability_percent: float
    """What is aimed at."""
    window: str
    met: bool | None
    """Whether the availability of the window is what is aimed at; null: nothing was polled."""
    allowed_failures: float
    """As many of the window's polls may fail."""
    failures: int
    remaining_percent: float
    """Of the budget; less than 0: more has failed than may."""


def figures_of(samples: apsw.Connection, subject_id: str) -> dict[str, Figures]:
    """Return the figures of each window.

    Args:
        samples: A connection to the samples.
        subject_id: A check's id, or a division's for all its checks.
    """
    return {window: _figures(_counts(samples, subject_id, window)) for window in WINDOWS}


def budget_of(objective_id: str, percent: float, window: str, figures: Figures) -> ErrorBudget:
    """Return how much may fail within *window* by an objective of *percent*, and what is left of that."""
    allowed = figures.polls * (100 - percent) / 100
    remaining = 100.0 if not figures.failures else 100 * (1 - figures.failures / allowed)
    return ErrorBudget(
        objective_id=objective_id,
        availability_percent=percent,
        window=window,
        met=figures.failures <= allowed if figures.polls else None,
        allowed_failures=round(allowed, 3),
        failures=figures.failures,
        remaining_percent=round(remaining, 2),
    )


def _counts(samples: apsw.Connection, subject_id: str, window: str) -> Mapping[int, int]:
    length, step = WINDOWS[window]
    now = int(time.time())
    counts: defaultdict[int, int] = defaultdict(int)
    for bucket, polls in samples.execute(COUNTED, (step, (now - length) // step, now // step, subject_id)):
        counts[bucket] += polls
    return counts


def _figures(counts: Mapping[int, int]) -> Figures:
    passed = {bucket: polls for bucket, polls in counts.items() if bucket != FAILED}
    polls, failures = sum(counts.values()), counts.get(FAILED, 0)
    return Figures(
        polls=polls,
        failures=failures,
        availability_percent=round(100 * (polls - failures) / polls, 4) if polls else None,
        latency_p50_ms=percentile(passed, 0.5),
        latency_p95_ms=percentile(passed, 0.95),
        latency_p99_ms=percentile(passed, 0.99),
    )
