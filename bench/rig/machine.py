"""What it was measured on, in two lines: numbers without a machine mean nothing."""

from __future__ import annotations

import os
import platform
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
