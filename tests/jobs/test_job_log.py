"""The log of a job: what is kept, and what followers see."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from hecate.jobs.job_log import HEAD_CHARACTERS, LONGEST_LINE, RECENT, TAIL_CHARACTERS, JobLog


def test_a_little_is_kept_whole() -> None:
    """A text of several lines is several lines."""
    log = JobLog()
    log.tell("one\ntwo", "three")
    assert (log.output.head, log.output.tail, log.output.skipped_lines) == ("one\ntwo\nthree", "", 0)


def test_of_much_the_beginning_and_the_end_are_kept() -> None:
    """And how much is missing between them; the memory is bounded."""
    log = JobLog()
    log.tell_all(f"line {number} {'x' * 100}" for number in range(100_000))
    output = log.output
    assert output.head.startswith("line 0 ")
    assert output.tail.endswith(f"line 99999 {'x' * 100}")
    assert len(output.head) <= HEAD_CHARACTERS
    assert len(output.tail) <= TAIL_CHARACTERS
    kept = len(output.head.splitlines()) + len(output.tail.splitlines())
    assert kept + output.skipped_lines == 100_000


def test_a_long_line_is_cut() -> None:
    """With a mark that says so."""
    log = JobLog()
    log.tell("x" * 10_000)
    assert log.output.head == "x" * LONGEST_LINE + " …"


def test_the_last_line_that_says_something_is_at_hand() -> None:
    """Of little output and of much."""
    log = JobLog()
    assert log.last_line == ""
    log.tell("one", "  two ", " ", "")
    assert log.last_line == "two"
    log.tell_all(f"line {number}" for number in range(50_000))
    assert log.last_line == "line 49999"


async def followed(log: JobLog, after: int = 0) -> list[tuple[int, str]]:
    """Return what a follower is told until the log is closed."""
    told: list[tuple[int, str]] = []
    async with aclosing(log.follow(after, 60)) as batches:
        async for batch in batches:
            told += [(message.number, message.kind) for message in batch]
    return told


async def test_followers_see_everything_from_the_beginning() -> None:
    """Those who come late, those who go on after a number, and those who were there."""
    log = JobLog()
    log.tell("one")
    early = asyncio.create_task(followed(log))
    await asyncio.sleep(0)
    log.progress("half", 1, 2)
    log.state("succeeded")
    log.close()
    everything = [(1, "output"), (2, "progress"), (3, "state")]
    assert await early == everything
    assert await followed(log) == everything
    assert await followed(log, 2) == everything[2:]


async def test_a_follower_is_told_what_it_has_missed() -> None:
    """How many messages are not at hand any more."""
    log = JobLog()
    log.tell_all("x" for _ in range(RECENT + 10))
    log.close()
    told = await followed(log)
    assert told[0] == (10, "skipped")
    assert len(told) == RECENT + 1


async def test_where_nothing_is_told_a_follower_hears_that() -> None:
    """So that a stream can send a sign of life."""
    log = JobLog()
    async with aclosing(log.follow(0, 0.01)) as batches:
        assert await anext(batches) == []
        log.tell("one")
        assert [message.kind for message in await anext(batches)] == ["output"]
