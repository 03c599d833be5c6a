"""kill -9 under 32 writers, again and again: what was acknowledged is there once, and the daemon is soon ready.

The judge reads the store and the journal of what the writers were told; that it sees what is wrong is shown by
the controls in ``tests/dossiers/test_crash.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rig.figures import Row, rounds, under
from bench.rig.run import Benchmark, Run, say
from tests.dossiers.crash_rig import CrashRig

KILLS = 12
SEED = 1


def measure(run: Run) -> Iterator[Row]:
    """Give a row for what is lost, twice or wrong, and one for the time until the daemon serves again."""
    # Not in the run's own directory, whose path may be too long for a socket.
    with TemporaryDirectory(prefix="hecate-", dir=run.place.parent) as folder:
        crashed = CrashRig(Path(folder), KILLS, SEED).run()
    for wrong in crashed.wrongs:
        say(f"  {wrong}")
    wrongs = len(crashed.wrongs) + len(crashed.journal.open)
    proves_something = crashed.open_at_kills > 0
    yield Row(
        f"kill -9, {KILLS} times: commands lost, twice, or read models unlike the fold",
        "0",
        str(wrongs),
        crashed.in_words,
        wrongs == 0 and proves_something,
    )
    yield under("ready after a kill", rounds(crashed.ready_seconds), 2, "s")


BENCHMARK = Benchmark("crash", measure)
