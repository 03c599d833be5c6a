"""What a hundred times the events cost: memory, and the time of a start.

A store of 10,000 events and one of 1,000,000, each in a new daemon, under the same load: 32
clients design aggregates in the same number of divisions, then page through ventures and events.
The memory is taken after that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.rig.daemon import running
from bench.rig.divisions import designing
from bench.rig.figures import Rounds, Row, rounds, under
from bench.rig.filled import Filled, fill, filled
from bench.rig.load import Request, load
from bench.rig.run import Benchmark, Run

SMALL, LARGE = 10_000, 1_000_000
CLIENTS = 32
DIVISIONS_EACH = 4


class _Daemon(NamedTuple):
    ready_seconds: float
    idle_mb: float
    worked_mb: float


def measure(run: Run) -> Iterator[Row]:
    """Give a row for the memory that is added, and one for the start on the large store."""
    large_store = filled(run, run.sized(LARGE, least=1000))
    small_events = run.sized(SMALL, least=1000)
    small: list[_Daemon] = []
    large: list[_Daemon] = []
    for _ in run.each_round():
        # A new one each time: what the work adds would soon make the small store a larger one.
        small.append(_work(run, fill(run, small_events)))
        large.append(_work(run, large_store))
    first, second = f"{small_events:,}", f"{large_store.events:,}"
    for when in ("idle_mb", "worked_mb"):
        before, after = _of(small, when), _of(large, when)
        added = rounds([more - less for less, more in zip(before.values, after.values, strict=True)])
        what = "just started" if when == "idle_mb" else "after work"
        yield under(
            f"memory added from {first} to {second} events, {what}",
            added,
            20,
            "MB",
            beside=f"{before.text('MB', 1)}, then {after.text('MB', 1)}",
            digits=1,
        )
    ready = _of(large, "ready_seconds")
    yield under(
        f"ready after a start, {second} events",
        ready,
        1,
        "s",
        beside=f"{first} events {_of(small, 'ready_seconds').text('s')}",
    )


def _of(measured: list[_Daemon], figure: str) -> Rounds:
    return rounds([getattr(one, figure) for one in measured])


def _work(run: Run, store: Filled) -> _Daemon:
    with running(run.new_place("daemon"), store.data) as daemon:
        idle = daemon.rss_mb()
        load(daemon.socket, designing(daemon.socket, CLIENTS, DIVISIONS_EACH), run.seconds / 2)
        pages = (
            "/api/ventures?limit=500",
            f"/api/ventures?limit=500&after={store.ventures // 2}",
            "/api/events?limit=500",
        )
        load(daemon.socket, [Request("GET", pages)] * CLIENTS, run.seconds / 2)
        return _Daemon(daemon.ready_seconds, idle, daemon.rss_mb())


BENCHMARK = Benchmark("growth", measure)
