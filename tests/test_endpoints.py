"""What endpoints share: the stopwatch of a request."""

from __future__ import annotations

import time

from hecate.endpoints import Stopwatch


def test_waiting_for_others_is_no_time_of_ours() -> None:
    """What is left of the time until the answer begins is the overhead."""
    began = time.monotonic()
    stopwatch = Stopwatch()
    for _ in range(2):
        stopwatch.wait()
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            pass
        stopwatch.go_on()
    overhead = stopwatch.answer()
    assert overhead is not None
    assert 0 <= overhead <= time.monotonic() - began - 0.1


def test_the_overhead_is_that_of_the_beginning_of_the_answer() -> None:
    """A stream goes on for long after; a wait that is not over counts, too."""
    stopwatch = Stopwatch()
    stopwatch.wait()
    until = time.monotonic() + 0.02
    while time.monotonic() < until:
        pass
    first = stopwatch.answer()
    assert first is not None
    stopwatch.go_on()
    assert stopwatch.answer() == first


def test_who_waits_for_nobody_has_no_overhead() -> None:
    """There is nothing to compare with."""
    stopwatch = Stopwatch()
    stopwatch.go_on()
    assert stopwatch.answer() is None
