"""What a daemon takes of the machine, as the kernel counts it, and whether it answers meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.daemon.child import Child, UnixConnection

SECONDS_BETWEEN_QUESTIONS = 0.01


class Vitals(NamedTuple):
    """What a process takes."""

    descriptors: int
    threads: int
    resident_mib: float
    children: int

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.threads} threads, {self.resident_mib:.0f} MiB, "
            f"{self.children} children"
        )


def vitals(pid: int) -> Vitals:
    """Return what the process *pid* takes now."""
    process = Path("/proc") / str(pid)
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Vitals(
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        resident_mib=int(status["VmRSS"].split()[0]) / 1024,
        children=len((process / "task" / str(pid) / "children").read_text().split()),
    )


class Pulse:
    """What came of asking for the daemon's health again and again."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        """How long each answer took."""
        self.unanswered: list[str] = []
        """Why, for each question that was answered otherwise than with 200 or not at all."""

    def __str__(self) -> str:
        half, most, all_of_them = (percentile(self.seconds, share) * 1000 for share in (0.5, 0.99, 1))
        return (
            f"asked {len(self.seconds) + len(self.unanswered)} times how it is, "
            f"not answered {len(self.unanswered)} times, answered in {half:.1f} ms (median), "
            f"{most:.1f} ms (99 %), {all_of_them:.1f} ms at most"
        )


@contextmanager
def asking_after(child: Child, *, keep_connection: bool = False) -> Iterator[Pulse]:
    """Ask *child* how it is until the end of the block, on new connections or on one that was there before."""
    pulse, over = Pulse(), threading.Event()
    first = UnixConnection(child.socket_path)
    first.connect()

    def ask() -> None:
        connection = first
        while True:
            since = time.monotonic()
            try:
                connection.request("GET", "/api/health")
                answer = connection.getresponse()
                content = json.loads(answer.read())
            except (OSError, ValueError) as error:
                pulse.unanswered.append(repr(error))
                connection.close()
            else:
                pulse.seconds.append(time.monotonic() - since)
                if answer.status != 200:
                    pulse.unanswered.append(content["error"])
            if not keep_connection:
                connection.close()
            if over.wait(SECONDS_BETWEEN_QUESTIONS):
                break
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield pulse
    finally:
        over.set()
        asking.join()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed; 0 where there are none."""
    in_order = sorted(values)  # there may be more of them in a moment
    return in_order[min(len(in_order) - 1, int(len(in_order) * share))] if in_order else 0.0
