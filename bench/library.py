"""The engine in this process, against the `eventsourcing` library on SQLite: 32 callers, durable.

A command is: load the state, decide, one event, durable commit.  The library is called by 32
threads, which is how it takes callers, and the engine by 32 tasks of one event loop, which is how
the daemon calls it.  Every `COMMANDS_EACH` commands a caller turns to a dossier without history.
The library is measured in two more arrangements that suit it better, for comparison only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import uvloop

from bench.rig.engine import DESCRIPTION, collect_as_the_daemon_does, design, divisions, open_engine
from bench.rig.figures import Row, at_least, ratios, rounds
from bench.rig.library import designs_in
from bench.rig.run import Benchmark, Run
from hecate.dossiers.engine import Engine

CALLERS = 32
COMMANDS_EACH = 20
MOST_COMMANDS_A_SECOND = 80_000
"""How many dossiers are made ready before the clock starts depends on it."""
ARRANGEMENTS = {
    "library, 32 threads": (CALLERS, 0),
    "library, 1 thread": (1, 0),
    "library, 1 thread, with its cache": (1, 1000),
}


def measure(run: Run) -> Iterator[Row]:
    """Give the ratio to the library's default, and to each other arrangement."""
    collect_as_the_daemon_does()
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in ARRANGEMENTS}
    for _ in run.each_round():
        for name, (threads, cached) in ARRANGEMENTS.items():
            theirs[name].append(library_rate(run, threads, cached))
        ours.append(engine_rate(run))
    for name, (threads, _) in ARRANGEMENTS.items():
        figure = ratios(ours, theirs[name])
        beside = f"engine {rounds(ours).median:,.0f}/s, library {rounds(theirs[name]).median:,.0f}/s"
        if threads == CALLERS:
            yield at_least("the engine in process, 32 callers", figure, 5, than=name, beside=beside)
        else:
            yield Row(f"… than the {name}", "", figure.text("times"), beside)


def library_rate(run: Run, threads: int, cached: int) -> float:
    """Return how many commands a second the library carries out for *threads* callers."""
    application = designs_in(run.new_place("library"), cached=cached)
    end = time.monotonic() + run.seconds

    def call(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            design_id = application.begin()
            for number in range(COMMANDS_EACH):
                application.add(design_id, f"aggregate-{number}", DESCRIPTION)
            count += COMMANDS_EACH + 1
        return count

    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(call, range(threads)))
    rate = count / (time.monotonic() - started)
    application.close()
    return rate


def engine_rate(run: Run) -> float:
    """Return how many commands a second the engine carries out for `CALLERS` tasks."""
    with open_engine(run.new_place("engine")) as engine:
        ready = divisions(engine, int(MOST_COMMANDS_A_SECOND * run.seconds / COMMANDS_EACH) + CALLERS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_call_engine(engine, ready, run.seconds))


async def _call_engine(engine: Engine, ready: list[str], seconds: float) -> float:
    started = time.monotonic()
    end = started + seconds

    async def call() -> int:
        count = 0
        while time.monotonic() < end:
            division_id = ready.pop()
            for number in range(COMMANDS_EACH):
                await engine.handle(design(division_id, f"aggregate-{number}"))
            count += COMMANDS_EACH
        return count

    counts = await asyncio.gather(*(call() for _ in range(CALLERS)))
    return sum(counts) / (time.monotonic() - started)


BENCHMARK = Benchmark("library", measure)
