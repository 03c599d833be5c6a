"""What the daemon takes of the machine."""

from __future__ import annotations

import time
from pathlib import Path

from hecate.report_metrics import process_figures
from hecate.report_metrics.exposition import Exposition
from tests.report_metrics.test_exposition import read


def test_the_figures_are_those_of_this_process() -> None:
    """Files that are open now, memory in bytes, CPU in seconds, and a start in the past."""
    exposition = Exposition()
    process_figures.tell(exposition)
    figures = {name: samples[0][2] for name, samples in read(exposition).items()}
    with Path("/proc/self/status").open() as one_more:
        (resident,) = [line for line in one_more if line.startswith("VmRSS")]
        again = Exposition()
        process_figures.tell(again)
    assert read(again)["process_open_fds"][0][2] == figures["process_open_fds"] + 1
    assert 0.5 < figures["process_resident_memory_bytes"] / (int(resident.split()[1]) * 1024) < 2
    assert figures["process_cpu_seconds"] > 0
    assert figures["process_max_fds"] >= figures["process_open_fds"]
    assert 0 < figures["process_start_time_seconds"] <= time.time() + 1
