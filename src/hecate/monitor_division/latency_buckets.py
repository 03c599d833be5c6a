"""Latencies as counts in buckets, from which percentiles of any span are added up.

Each bucket is 5 % wider than the one before, so a percentile is off by 2.5 % at the most, whatever the
latencies are (the idea of DDSketch, Masson and others, 2019).  Counts are added where percentiles cannot be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

SHORTEST_MS: Final = 0.01
"""What is shorter counts as this."""
GROWTH: Final = 1.05
MOST_BUCKET: Final = 400
"""Of latencies of 50 minutes: no poll takes as long."""

_LOG_GROWTH = math.log(GROWTH)


def bucket_of(latency_ms: float) -> int:
    """Return the bucket that *latency_ms* falls into, from 0."""
    if latency_ms <= SHORTEST_MS:
        return 0
    return min(MOST_BUCKET, math.ceil(math.log(latency_ms / SHORTEST_MS) / _LOG_GROWTH))


def latency_in(bucket: int) -> float:
    """Return the latency that stands for all in *bucket*, in milliseconds: none is off by more than 2.5 %."""
    return SHORTEST_MS * 2 * GROWTH**bucket / (1 + GROWTH) if bucket else SHORTEST_MS


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the latency that *share* (0 to 1) of those counted do not exceed, in milliseconds; None: there are none.

    Args:
        counts: How many there are in each bucket.
    """
    total = sum(counts.values())
    rank = math.ceil(share * total)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank and seen:
            return round(latency_in(bucket), 2)
    return None
