"""``hecate`` with SQLite's files on a disk that fails when it is told to.

``python on_failing_disk.py ORDERS ARGUMENT…``, where the file ORDERS holds a word of `ORDERS`, or nothing.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from hecate.daemon.cli import main
from tests.dossiers.failing_disk import FailingDisk

SECONDS_BETWEEN_LOOKS = 0.002


def _fail_sync(disk: FailingDisk) -> None:
    disk.on_sync = apsw.IOError("the disk does not keep what it has")


def _fail_write(disk: FailingDisk) -> None:
    disk.on_write = apsw.IOError("the disk does not take it")


def _lose_writes(disk: FailingDisk) -> None:
    disk.loses_writes = True


def _heal(disk: FailingDisk) -> None:
    disk.on_sync = disk.on_write = None
    disk.loses_writes = False


ORDERS: Mapping[str, Callable[[FailingDisk], None]] = {
    "sync": _fail_sync,
    "write": _fail_write,
    "lie": _lose_writes,
    "": _heal,
}


def obey(disk: FailingDisk, orders: Path) -> None:
    """Have *disk* do what the file says, whenever it says something else."""
    done, over = "", threading.Event()
    while not over.wait(SECONDS_BETWEEN_LOOKS):
        order = orders.read_text().strip()
        if order != done:
            ORDERS[order](disk)
            done = order


if __name__ == "__main__":
    with FailingDisk() as failing:
        threading.Thread(target=obey, args=(failing, Path(sys.argv.pop(1))), daemon=True).start()
        main()
