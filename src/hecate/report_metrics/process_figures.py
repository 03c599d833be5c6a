"""What the daemon takes of the machine, under the names that all of Prometheus' clients use."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hecate.report_metrics.exposition import Exposition

ABOUT_ME: Final = Path("/proc/self")
RESIDENT_PAGES: Final = 1
"""Which field of ``/proc/self/statm``."""
STARTED_TICKS: Final = 19
"""Which field of ``/proc/self/stat`` after the program's name: ticks since the machine booted."""


def tell(exposition: Exposition) -> None:
    """Write the figures."""
    memory = (ABOUT_ME / "statm").read_text().split()
    used = os.times()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    exposition.counter(
        "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", used.user + used.system
    )
    exposition.gauge("process_open_fds", "Number of open file descriptors.", len([*(ABOUT_ME / "fd").iterdir()]))
    exposition.gauge("process_max_fds", "Maximum number of open file descriptors.", files)
    exposition.gauge(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        int(memory[RESIDENT_PAGES]) * resource.getpagesize(),
    )
    exposition.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", _started())


def _started() -> float:
    # The program's name may hold spaces and parentheses.
    _, _, fields = (ABOUT_ME / "stat").read_text().rpartition(")")
    ticks = int(fields.split()[STARTED_TICKS])
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return round(booted + ticks / os.sysconf("SC_CLK_TCK"), 2)
