"""The soak's own judgement: what grows is seen."""

from __future__ import annotations

from pathlib import Path

from tests.daemon.child import wait_until
from tests.faults.passing_faults import HALF_A_HEADER
from tests.faults.soak import MORE_DESCRIPTORS, MORE_MIB, MORE_TASKS, Soak, tasks
from tests.faults.test_connections import connections
from tests.faults.vitals import vitals
from tests.serving import serving


def test_what_is_not_let_go_would_be_seen(place: Path) -> None:
    """The control: connections that stay, and so would anything else that a daemon forgets to close."""
    soak = Soak(place, seconds=1)
    with serving(place) as child:
        assert tasks(child) > 0
        first = vitals(child.process.pid)
        soak.compare(first, vitals(child.process.pid), 0)
        assert soak.wrongs == []
        with connections(child.socket_path, 4 * MORE_DESCRIPTORS, HALF_A_HEADER):
            wait_until(lambda: vitals(child.process.pid).descriptors > first.descriptors + 2 * MORE_DESCRIPTORS)
            soak.compare(first, vitals(child.process.pid), MORE_TASKS + 1)
    larger = first._replace(resident_mib=first.resident_mib + MORE_MIB + 1, threads=first.threads + 3)
    soak.compare(first, larger, 0)
    assert [wrong.split(" grew")[0] for wrong in soak.wrongs] == [
        "descriptors",
        f"there are {MORE_TASKS + 1} more tasks",
        "memory",
        "threads or children",
    ]
