"""Latencies in buckets: percentiles that can be added up, and are not far off."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from hecate.monitor_division.latency_buckets import MOST_BUCKET, SHORTEST_MS, bucket_of, latency_in, percentile

LATENCIES = st.floats(SHORTEST_MS, 300_000)


@given(LATENCIES)
def test_a_bucket_stands_for_what_is_in_it(latency_ms: float) -> None:
    """Within 2.5 %."""
    assert latency_in(bucket_of(latency_ms)) == pytest.approx(latency_ms, rel=0.025)


@given(st.lists(LATENCIES, min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_one_of_the_latencies(latencies: list[float], share: float) -> None:
    """The one at its rank, within what a bucket is wide and two digits can say."""
    found = percentile(Counter(map(bucket_of, latencies)), share)
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    assert found == pytest.approx(exact, abs=0.025 * exact + 0.0051)


def test_nothing_has_no_percentile() -> None:
    """None, and not 0 ms."""
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize(("latency_ms", "bucket"), [(0.0, 0), (-1.0, 0), (SHORTEST_MS, 0), (1e12, MOST_BUCKET)])
def test_what_cannot_be_is_counted_all_the_same(latency_ms: float, bucket: int) -> None:
    """At the ends."""
    assert bucket_of(latency_ms) == bucket
