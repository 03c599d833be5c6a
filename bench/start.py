"""From nothing to the first answer, and the memory of a daemon that has nothing to do.

Started as a user does, ``hecate serve``, on an empty data directory and without providers.  Ready
is the first answer 200 of ``GET /api/health``; the memory is taken `IDLE_SECONDS` later.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.rig.daemon import running
from bench.rig.figures import Row, rounds, under
from bench.rig.run import Benchmark, Run

IDLE_SECONDS = 1.0


def measure(run: Run) -> Iterator[Row]:
    """Give a row for the time and one for the memory."""
    seconds: list[float] = []
    memory: list[float] = []
    for _ in run.each_round():
        with running(run.new_place("daemon")) as daemon:
            seconds.append(daemon.ready_seconds)
            time.sleep(IDLE_SECONDS)
            memory.append(daemon.rss_mb())
    yield under("ready after a start, empty store", rounds(seconds), 0.5, "s")
    yield under("memory of an idle daemon (RSS)", rounds(memory), 70, "MB", digits=1)


BENCHMARK = Benchmark("start", measure)
