"""How late a process is that does nothing but sleep: what the machine itself adds to every timer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PERIOD_SECONDS = 0.005

Sample = tuple[float, float]
"""When a sleep should have ended, on the monotonic clock, and how late it did, in seconds."""


@contextmanager
def sleeper() -> Iterator[list[Sample]]:
    """Have a thread of this process sleep until the end of the block, and note how late it woke each time."""
    samples: list[Sample] = []
    stop = threading.Event()

    def sleep() -> None:
        while not stop.is_set():
            due = time.monotonic() + PERIOD_SECONDS
            time.sleep(PERIOD_SECONDS)
            samples.append((due, time.monotonic() - due))

    thread = threading.Thread(target=sleep)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def milliseconds_within(samples: list[Sample], began: float, ended: float) -> list[float]:
    """Return how late the *samples* due between two moments were, in milliseconds, in order."""
    return sorted(late * 1000 for due, late in samples if began <= due <= ended)
