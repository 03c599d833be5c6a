"""What it was measured on, and who else was there: numbers without a machine mean nothing."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path

import apsw

from bench.rig.figures import percentile
from hecate import __version__

SYNCS = 300
BLOCK = bytes(4096)


def describe(place: Path) -> str:
    """Return processor, Python, SQLite, and how long the disk under *place* takes to sync one block."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"Hecate {__version__}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, "
        f"Linux {platform.release()}\n"
        f"{model}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; "
        f"fdatasync of 4 kB: p50 {sync_microseconds(place):.0f} µs"
    )


class Neighbours:
    """How much of the processors other programs take, from the moment that this is made."""

    def __init__(self) -> None:
        self._busy, self._all = _processor_seconds()
        self._own = _own_seconds()

    def share(self) -> float:
        """Return it, from 0 to 1.  Children of ours count as ours once they have ended."""
        busy, of_all = _processor_seconds()
        others = busy - self._busy - (_own_seconds() - self._own)
        return min(max(others / (of_all - self._all), 0.0), 1.0) if of_all > self._all else 0.0


def _processor_seconds() -> tuple[float, float]:
    """Return how long all processors together have worked, and how long they have existed."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    ticks = [int(field) for field in fields]
    idle = ticks[3] + ticks[4]
    second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - idle) / second, sum(ticks) / second


def _own_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def sync_microseconds(place: Path) -> float:
    """Return the median time of an ``fdatasync`` after a write of one block, in microseconds."""
    file = os.open(place / "sync", os.O_RDWR | os.O_CREAT)
    times = []
    try:
        os.pwrite(file, BLOCK * SYNCS, 0)
        os.fsync(file)
        for number in range(SYNCS):
            os.pwrite(file, BLOCK, number * len(BLOCK))
            started = time.perf_counter()
            os.fdatasync(file)
            times.append(time.perf_counter() - started)
    finally:
        os.close(file)
    return percentile(sorted(times), 0.5) * 1e6
