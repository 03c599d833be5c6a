"""The writer: who is told what, and when, from the event loop and from threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from hecate.dossiers.errors import Refused, Unavailable
from hecate.dossiers.transactions import Transactions
from hecate.dossiers.writer import BATCH_UNITS, Writer
from tests.dossiers.failing_disk import FailingDisk

IMPATIENT_SECONDS = 0.02


class Rig:
    """A writer on a table of numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = apsw.Connection(str(path))
        self.db.pragma("journal_mode", "wal")
        self.db.execute("CREATE TABLE numbers (number INTEGER)")
        self.durable: list[list[int]] = []
        """The numbers at each commit."""
        self.writer = Writer(
            Transactions(self.db, after_commit=self._committed, after_undo=lambda: None),
            patience_seconds=IMPATIENT_SECONDS,
        )

    def _committed(self) -> None:
        self.durable.append(self.numbers)

    @property
    def numbers(self) -> list[int]:
        with closing(apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            return [number for (number,) in db.execute("SELECT number FROM numbers ORDER BY rowid")]

    def close(self) -> None:
        self.writer.close()
        self.db.close()


@pytest.fixture
def rig(disk: FailingDisk, path: Path) -> Iterator[Rig]:
    """Give a writer on a disk that fails on demand."""
    with closing(Rig(path)) as rig:
        yield rig


def adding(number: int) -> Callable[[apsw.Connection], int]:
    """Return a unit that adds *number* and gives it."""

    def add(db: apsw.Connection) -> int:
        db.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return add


def refusing(_db: apsw.Connection) -> None:
    """Be a unit that is refused."""
    raise Refused("no")


class Held:
    """A unit in the writer's thread that stays in its transaction until it is let go."""

    def __init__(self, writer: Writer) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        self.reply: Future[Any] = writer.submit_from_thread(self._hold)
        assert self._begun.wait(10)

    def _hold(self, _db: apsw.Connection) -> None:
        self._begun.set()
        assert self._go_on.wait(10)

    def let_go(self) -> None:
        """Let it end."""
        self._go_on.set()


def test_what_waits_in_threads_is_one_transaction(rig: Rig) -> None:
    """While one transaction is under way the next one fills; a refused unit among it is undone alone."""
    held = Held(rig.writer)
    replies = [rig.writer.submit_from_thread(adding(number)) for number in range(100)]
    refused = rig.writer.submit_from_thread(refusing)
    held.let_go()
    assert [reply.result(10) for reply in replies] == list(range(100))
    assert isinstance(refused.exception(10), Refused)
    assert rig.durable == [[], list(range(100))]


def test_a_transaction_has_a_limit(rig: Rig) -> None:
    """However many units wait, a transaction takes so many and the next one the rest."""
    held = Held(rig.writer)
    replies = [rig.writer.submit_from_thread(adding(number)) for number in range(BATCH_UNITS + 1)]
    held.let_go()
    assert replies[-1].result(10) == BATCH_UNITS
    assert [len(numbers) for numbers in rig.durable] == [0, BATCH_UNITS, BATCH_UNITS + 1]


async def test_what_the_loop_brings_shares_transactions(rig: Rig) -> None:
    """Callers on the event loop are answered each with its own, after far fewer commits than units."""
    submit = rig.writer.submit
    results = await asyncio.gather(*map(submit, map(adding, range(100))), submit(refusing), return_exceptions=True)
    assert results[:-1] == list(range(100))
    assert isinstance(results[-1], Refused)
    assert rig.numbers == list(range(100))
    assert len(rig.durable) <= 50


async def test_answers_come_after_the_commit(rig: Rig) -> None:
    """Whoever has an answer finds what it tells on the disk."""

    async def add_and_look(number: int) -> bool:
        await rig.writer.submit(adding(number))
        return number in rig.numbers

    assert all(await asyncio.gather(*map(add_and_look, range(20))))


async def test_the_loop_and_threads_take_turns(rig: Rig) -> None:
    """Both may write at once: nothing is lost, and nobody waits for ever."""
    with ThreadPoolExecutor(4) as pool:
        from_threads = [pool.submit(rig.writer.submit_from_thread, adding(number)) for number in range(100)]
        from_loop = await asyncio.gather(*[rig.writer.submit(adding(number)) for number in range(100, 200)])
        replies = await asyncio.gather(*map(asyncio.wrap_future, from_threads))
        await asyncio.gather(*map(asyncio.wrap_future, replies))
    assert from_loop == list(range(100, 200))
    assert sorted(rig.numbers) == list(range(200))


async def test_the_loop_is_not_held_up_by_a_thread_that_writes(rig: Rig) -> None:
    """A unit of the loop waits for a thread's transaction; the loop does not."""
    held = Held(rig.writer)
    waiting = asyncio.create_task(rig.writer.submit(adding(1)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    held.let_go()
    assert await waiting == 1


@pytest.mark.parametrize("from_loop", [True, False])
async def test_nobody_is_told_ok_when_the_commit_fails(rig: Rig, disk: FailingDisk, *, from_loop: bool) -> None:
    """A commit that the disk refuses is everybody's refusal, and from then on nothing is written."""

    def submit(number: int) -> asyncio.Future[int]:
        if from_loop:
            return asyncio.ensure_future(rig.writer.submit(adding(number)))
        return asyncio.wrap_future(rig.writer.submit_from_thread(adding(number)))

    disk.on_sync = apsw.IOError("no sync")
    outcomes = await asyncio.gather(*map(submit, range(10)), return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    disk.on_sync = None
    assert "in doubt" in rig.writer.doubt
    with pytest.raises(Unavailable, match="in doubt"):
        await submit(11)
    assert rig.numbers == []


@pytest.mark.parametrize("from_loop", [True, False])
async def test_a_full_disk_refuses_until_there_is_room(rig: Rig, disk: FailingDisk, *, from_loop: bool) -> None:
    """A full disk is no doubt: what was refused is not there, and what comes later is taken."""

    def submit(number: int) -> asyncio.Future[int]:
        if from_loop:
            return asyncio.ensure_future(rig.writer.submit(adding(number)))
        return asyncio.wrap_future(rig.writer.submit_from_thread(adding(number)))

    disk.on_write = apsw.FullError("no space left")
    outcomes = await asyncio.gather(*map(submit, range(10)), return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"nothing was recorded: the disk is full"}
    disk.on_write = None
    assert await submit(11) == 11
    assert (rig.numbers, rig.writer.doubt) == ([11], "")


@pytest.mark.parametrize("from_loop", [True, False])
async def test_another_program_that_writes_is_waited_for(path: Path, *, from_loop: bool) -> None:
    """While a backup or a curious person holds the write lock, units wait; then they are carried out."""
    with closing(apsw.Connection(str(path))) as other:
        other.pragma("journal_mode", "wal")
        other.execute("CREATE TABLE numbers (number INTEGER)")
        db = apsw.Connection(str(path))
        tried = threading.Event()

        class Trying(Transactions):
            """Says that it tried."""

            def begin(self) -> None:
                tried.set()
                super().begin()

        with closing(Writer(Trying(db, after_commit=lambda: None, after_undo=lambda: None))) as writer:
            other.execute("BEGIN IMMEDIATE")
            reply = (
                asyncio.ensure_future(writer.submit(adding(1)))
                if from_loop
                else asyncio.wrap_future(writer.submit_from_thread(adding(1)))
            )
            assert await asyncio.to_thread(tried.wait, 10)
            other.execute("COMMIT")
            assert await reply == 1
        db.close()


@pytest.mark.parametrize("from_loop", [True, False])
async def test_patience_with_another_program_has_an_end(rig: Rig, *, from_loop: bool) -> None:
    """Who holds the write lock for too long makes units refused, not the writer fail."""

    def submit(number: int) -> asyncio.Future[int]:
        if from_loop:
            return asyncio.ensure_future(rig.writer.submit(adding(number)))
        return asyncio.wrap_future(rig.writer.submit_from_thread(adding(number)))

    with closing(apsw.Connection(str(rig.path))) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(submit(1), submit(2), return_exceptions=True)
        assert {str(outcome) for outcome in outcomes} == {
            "nothing was recorded: another program is writing to the store"
        }
    assert await submit(3) == 3
    assert rig.numbers == [3]


async def test_a_caller_who_left_before_its_turn_is_passed_over(rig: Rig) -> None:
    """Cancelled before its unit began: the unit is not carried out, and the others are."""
    held = Held(rig.writer)
    left = asyncio.create_task(rig.writer.submit(adding(1)))
    stayed = asyncio.create_task(rig.writer.submit(adding(2)))
    await asyncio.sleep(0)
    left.cancel()
    held.let_go()
    assert await stayed == 2
    assert left.cancelled()
    assert rig.numbers == [2]


def test_a_thread_that_gave_up_does_not_stop_the_writer(rig: Rig) -> None:
    """A cancelled reply has no reader; the writer's thread goes on."""
    held = Held(rig.writer)
    given_up = rig.writer.submit_from_thread(adding(1))
    given_up.cancel()
    held.let_go()
    assert rig.writer.submit_from_thread(adding(2)).result(10) == 2
    with pytest.raises(CancelledError):
        given_up.result(10)


def test_a_loop_that_ended_does_not_stop_the_writer(rig: Rig) -> None:
    """What a loop has begun is durable though nobody hears of it, and threads are served."""

    async def leave() -> None:
        began = asyncio.Event()

        def add_and_tell(db: apsw.Connection) -> int:
            began.set()
            return adding(1)(db)

        task = asyncio.ensure_future(rig.writer.submit(add_and_tell))
        await began.wait()
        task.cancel()

    asyncio.run(leave())
    assert rig.writer.submit_from_thread(adding(2)).result(10) == 2
    assert rig.numbers == [1, 2]


async def test_closing_commits_what_has_begun_and_refuses_what_waits(rig: Rig) -> None:
    """At the end nobody is left without an answer."""
    held = Held(rig.writer)
    from_thread = rig.writer.submit_from_thread(adding(1))
    from_loop = asyncio.create_task(rig.writer.submit(adding(2)))
    await asyncio.sleep(0)
    closing_it = asyncio.create_task(asyncio.to_thread(rig.writer.close))
    await asyncio.wait([from_loop])
    held.let_go()
    await closing_it
    with pytest.raises(Unavailable, match="stopping"):
        await from_loop
    assert from_thread.result(0) == 1
    assert rig.numbers == [1]


async def test_after_closing_every_unit_is_refused(rig: Rig) -> None:
    """A closed writer says so, also when it is closed twice."""
    rig.writer.close()
    rig.writer.close()
    with pytest.raises(Unavailable, match="stopping"):
        await rig.writer.submit(adding(1))
    with pytest.raises(Unavailable, match="stopping"):
        rig.writer.submit_from_thread(adding(1))
