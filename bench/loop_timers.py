"""How late the timers of the daemon's event loop are, under 32 clients that write.

Measured by a task in the daemon's own loop (`bench.rig.timed_daemon`), which sleeps 5 ms at a
time.  Beside it, a thread of another process does the same at the same time: what that one is
late is the machine's doing.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.many_clients import LOADS, requests_of
from bench.rig.daemon import running
from bench.rig.figures import Row, percentile, rounds, under
from bench.rig.lateness import milliseconds_within, sleeper
from bench.rig.load import load
from bench.rig.run import Benchmark, Run
from bench.rig.timed_daemon import COMMAND, timers_of

BOUND_MILLISECONDS = 4


def measure(run: Run) -> Iterator[Row]:
    """Give a row for the latest timer of each round."""
    most: list[float] = []
    late: list[float] = []
    others: list[float] = []
    for _ in run.each_round():
        with running(run.new_place("timed"), command=COMMAND) as daemon:
            requests = requests_of(LOADS[0], daemon)
            with sleeper() as samples:
                seen = load(daemon.socket, requests, run.seconds)
        within = milliseconds_within(timers_of(daemon.socket), seen.began, seen.ended)
        most.append(within[-1])
        late.append(percentile(within, 0.99))
        others.append(milliseconds_within(samples, seen.began, seen.ended)[-1])
    beside = f"p99 {rounds(late).text('ms', 1)}; a process that only sleeps {rounds(others).text('ms', 1)}"
    what = "the event loop's latest timer under that load"
    yield under(what, rounds(most), BOUND_MILLISECONDS, "ms", beside=beside, digits=1)


BENCHMARK = Benchmark("loop-timers", measure)
