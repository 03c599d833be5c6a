"""Reading a dossier of 10,000 events from the disk, against the library's ``repository.get``.

Both end with a state that can be asked whether a name is taken, and are asked.  Nothing is
cached but the file's pages, by SQLite and the system.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.rig.engine import DESCRIPTION, carry_out, collect_as_the_daemon_does, design, divisions, open_engine
from bench.rig.figures import Row, at_least, ratios, rounds
from bench.rig.library import Design, designs_in
from bench.rig.run import Benchmark, Run
from hecate.design_division import PROCESS
from hecate.design_division.design_aggregate import AggregateDesigned

EVENTS = 10_000
TIMES_A_ROUND = 5


def measure(run: Run) -> Iterator[Row]:
    """Give the ratio of the times."""
    collect_as_the_daemon_does()
    names = [f"aggregate-{number}" for number in range(run.sized(EVENTS))]
    application = designs_in(run.new_place("library"))
    theirs = Design()
    for name in names:
        theirs.design(name, DESCRIPTION)
    application.save(theirs)
    with open_engine(run.new_place("engine")) as engine:
        (division_id,) = divisions(engine, 1)
        carry_out(engine, [design(division_id, name) for name in names])

        def read_ours() -> bool:
            dossier = engine.store.read_from_thread(lambda db: engine.rehydrate(db, PROCESS, division_id)).result()
            return dossier.has(AggregateDesigned, aggregate_name=names[-1])

        def read_theirs() -> bool:
            read: Design = application.repository.get(theirs.id)
            return names[-1] in read.names

        our_times: list[float] = []
        their_times: list[float] = []
        for _ in run.each_round():
            their_times.append(_milliseconds(read_theirs))
            our_times.append(_milliseconds(read_ours))
    application.close()
    beside = f"{rounds(our_times).text('ms', 1)}, library {rounds(their_times).text('ms', 1)}"
    figure = ratios(their_times, our_times)
    yield at_least(f"a dossier of {len(names):,} events, read", figure, 8, than="repository.get", beside=beside)


def _milliseconds(read: Callable[[], bool]) -> float:
    """Return how long one *read* takes, of several."""
    started = time.perf_counter()
    for _ in range(TIMES_A_ROUND):
        assert read()
    return (time.perf_counter() - started) / TIMES_A_ROUND * 1000


BENCHMARK = Benchmark("rehydrate", measure)
