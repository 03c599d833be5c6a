"""Refusals in the log: told at once, and not again and again."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from hecate.dossiers.errors import Unavailable
from hecate.rest.refusal_log import QUIET_SECONDS, SENTENCES_REMEMBERED, RefusalLog


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


def told(refusals: RefusalLog, *sentences: str) -> list[dict[str, Any]]:
    """Return the lines that *sentences* cost."""
    with capture_logs() as lines:
        for sentence in sentences:
            refusals.tell(Unavailable(sentence))
    return [dict(line) for line in lines]


def test_the_first_is_told_and_the_next_are_counted() -> None:
    """Once in ten seconds, with how many there were meanwhile."""
    clock = Clock()
    refusals = RefusalLog(clock)
    lines = told(refusals, *["the disk is full"] * 300)
    assert lines == [{"code": "unavailable", "error": "the disk is full", "event": "refused", "log_level": "warning"}]
    clock.now += QUIET_SECONDS
    assert [line["repeated"] for line in told(refusals, "the disk is full")] == [299]
    assert told(refusals, "the disk is full") == []


def test_another_sentence_is_told_at_once() -> None:
    """What is new is not kept back."""
    refusals = RefusalLog(Clock())
    assert [line["error"] for line in told(refusals, "one", "another", "one")] == ["one", "another"]


def test_it_does_not_remember_without_end() -> None:
    """However many sentences there are."""
    refusals = RefusalLog(Clock())
    many = [f"sentence {number}" for number in range(3 * SENTENCES_REMEMBERED)]
    assert len(told(refusals, *many)) == len(many)
    assert told(refusals, many[-1]) == []
