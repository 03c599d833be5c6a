"""One client over the socket, one durable command at a time.

Each round measures SQLite alone as well: an insert with a transaction of its own, without a
socket, is what a durable command takes at the least.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.rig.daemon import running
from bench.rig.divisions import designing, setting_up
from bench.rig.figures import Row, ratios, rounds, under
from bench.rig.load import Load, load
from bench.rig.raw_sqlite import Inserts, insert_for
from bench.rig.run import Benchmark, Run

DIVISIONS = 8


def measure(run: Run) -> Iterator[Row]:
    """Give a row for each kind of command."""
    raw: list[Inserts] = []
    found: dict[str, list[Load]] = {"design": [], "ventures": []}
    for _ in run.each_round():
        raw.append(insert_for(run.seconds / 2, run.new_place("raw")))
        with running(run.new_place("daemon")) as daemon:
            found["design"].append(load(daemon.socket, designing(daemon.socket, 1, DIVISIONS), run.seconds))
            found["ventures"].append(load(daemon.socket, setting_up(1), run.seconds))
    for name, measured in found.items():
        p99, rate = rounds([one.p99 for one in measured]), rounds([one.rate for one in measured])
        alone = rounds([inserts.p50 for inserts in raw])
        times = ratios([one.p50 for one in measured], alone.values)
        beside = (
            f"p99 {p99.text('ms')}, {rate.median:,.0f}/s; "
            f"SQLite p50 {alone.text('ms')}, of which it is {times.text('times')}"
        )
        yield under(f"1 client: {name}, p50", rounds([one.p50 for one in measured]), 1, "ms", beside=beside)


BENCHMARK = Benchmark("one-client", measure)
