"""Reading over the socket, one client: a venture with 1,000 divisions, and a page of 100,000 ventures.

The store is the one of 1,000,000 events.  The pages are asked for all over the list, not only at
its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.rig.daemon import running
from bench.rig.figures import Row, rounds, under
from bench.rig.filled import filled
from bench.rig.load import Load, Request, load
from bench.rig.run import Benchmark, Run

EVENTS = 1_000_000
PLACES = 20


def measure(run: Run) -> Iterator[Row]:
    """Give a row for each of the two."""
    store = filled(run, run.sized(EVENTS, least=1000))
    places = (store.ventures * place // PLACES for place in range(PLACES))
    asked = {
        f"GET /api/ventures/:id/status, {len(store.division_ids):,} divisions, p50": (
            Request("GET", (f"/api/ventures/{store.venture_id}/status",)),
            5.0,
        ),
        f"a page of 50 of {store.ventures:,} ventures, p50": (
            Request("GET", tuple(f"/api/ventures?limit=50&after={place}" for place in places)),
            2.0,
        ),
    }
    found: dict[str, list[Load]] = {what: [] for what in asked}
    with running(run.new_place("daemon"), store.data) as daemon:
        for _ in run.each_round():
            for what, (request, _) in asked.items():
                found[what].append(load(daemon.socket, [request], run.seconds / 2))
    for what, (_, bound) in asked.items():
        p99 = rounds([one.p99 for one in found[what]])
        yield under(what, rounds([one.p50 for one in found[what]]), bound, "ms", beside=f"p99 {p99.text('ms')}")


BENCHMARK = Benchmark("reads", measure)
