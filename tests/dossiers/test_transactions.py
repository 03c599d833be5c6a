"""Transactions: a unit is undone alone, or all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.dossiers.errors import Refused, Unavailable
from hecate.dossiers.transactions import Transactions
from tests.dossiers.failing_disk import FailingDisk


class Rig:
    """Transactions on a table of numbers, and what they told."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.commits = 0
        self.undone = 0
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        db.execute("CREATE TABLE numbers (number INTEGER CHECK (number < 100))")
        self.transactions = Transactions(db, after_commit=self._committed, after_undo=self._undone)

    def _committed(self) -> None:
        self.commits += 1

    def _undone(self) -> None:
        self.undone += 1

    @property
    def numbers(self) -> list[int]:
        return [number for (number,) in self.db.execute("SELECT number FROM numbers ORDER BY number")]


@pytest.fixture
def rig(disk: FailingDisk, path: Path) -> Iterator[Rig]:
    """Give transactions on a disk that fails on demand."""
    with closing(apsw.Connection(str(path))) as db:
        yield Rig(db)


def add(db: apsw.Connection, number: int) -> int:
    """Add *number*; 100 and more are one too many for the table."""
    db.execute("INSERT INTO numbers VALUES (?)", (number,))
    return number


def refuse(message: str) -> object:
    """Be refused."""
    raise Refused(message)


def test_many_units_are_one_transaction(rig: Rig) -> None:
    """What the units give is theirs, and one commit makes all of it durable."""
    rig.transactions.begin()
    assert [rig.transactions.run(lambda db, n=n: add(db, n)) for n in range(3)] == [0, 1, 2]  # type: ignore[misc]
    rig.transactions.commit()
    assert (rig.numbers, rig.commits, rig.undone) == ([0, 1, 2], 1, 0)


def test_a_refused_unit_is_undone_alone(rig: Rig) -> None:
    """A unit that raises before it writes has no effect, and caches need not forget."""
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    refused = rig.transactions.run(lambda _: refuse("no"))
    rig.transactions.run(lambda db: add(db, 2))
    rig.transactions.commit()
    assert isinstance(refused, Refused)
    assert (rig.numbers, rig.undone) == ([1, 2], 0)


def test_what_a_refused_unit_has_written_is_undone_and_forgotten(rig: Rig) -> None:
    """A refusal after a write is undone too, and then caches must know."""

    def write_then_refuse(db: apsw.Connection) -> None:
        add(db, 7)
        refuse("too late")

    rig.transactions.begin()
    assert isinstance(rig.transactions.run(write_then_refuse), Refused)
    rig.transactions.commit()
    assert (rig.numbers, rig.undone) == ([], 1)


def test_a_failed_unit_is_undone_alone_and_forgotten(rig: Rig) -> None:
    """A constraint or a bug undoes its own unit; its error goes to the caller as it is."""

    def write_then_fail(db: apsw.Connection) -> None:
        add(db, 3)
        add(db, 100)

    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    assert isinstance(rig.transactions.run(write_then_fail), apsw.ConstraintError)
    assert isinstance(rig.transactions.run(lambda _: 1 // 0), ZeroDivisionError)
    rig.transactions.commit()
    assert (rig.numbers, rig.commits) == ([1], 1)
    assert rig.undone >= 1


def test_a_full_disk_undoes_all_and_leaves_no_doubt(rig: Rig, disk: FailingDisk) -> None:
    """SQLite tells a full disk apart: the transaction is undone, and the next one may fit again."""
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    disk.on_write = apsw.FullError("no space left")
    with pytest.raises(apsw.FullError) as failure:
        rig.transactions.commit()
    refusal = rig.transactions.abandon(failure.value)()
    assert (str(refusal), rig.transactions.doubt) == ("nothing was recorded: the disk is full", "")
    assert (rig.numbers, rig.commits, rig.undone) == ([], 0, 1)

    disk.on_write = None
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 2))
    rig.transactions.commit()
    assert rig.numbers == [2]


def test_a_full_disk_within_a_unit_undoes_all(rig: Rig) -> None:
    """A unit that finds the disk full does not go to its caller alone: its transaction is at its end."""
    rig.db.pragma("max_page_count", rig.db.pragma("page_count"))
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    with pytest.raises(apsw.FullError) as failure:
        rig.transactions.run(lambda db: db.execute("CREATE TABLE one_page_more (number)"))
    assert "the disk is full" in str(rig.transactions.abandon(failure.value)())
    assert (rig.numbers, rig.db.in_transaction) == ([], False)


def test_a_failed_sync_is_a_doubt_and_nobody_is_told_that_nothing_was_recorded(
    rig: Rig, disk: FailingDisk, path: Path
) -> None:
    """After a failed sync the rows may be on the disk: whoever opens it next may find them.

    That is what the second connection does here, with a copy of the files as they are.
    """
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    disk.on_sync = apsw.IOError("no sync")
    with pytest.raises(apsw.IOError) as failure:
        rig.transactions.commit()
    refusal = rig.transactions.abandon(failure.value)()
    disk.on_sync = None

    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    with closing(apsw.Connection(str(copy))) as db:
        assert db.execute("SELECT number FROM numbers").fetchall() == [(1,)]
    assert rig.numbers == []
    assert "nothing was recorded" not in str(refusal)
    assert "restart the daemon" in str(refusal)

    with pytest.raises(Unavailable, match="in doubt"):
        rig.transactions.begin()


def test_an_error_before_the_commit_is_undone_for_certain(rig: Rig) -> None:
    """What never came to a commit is not on the disk, and that is what callers are told."""
    rig.transactions.begin()
    rig.transactions.run(lambda db: add(db, 1))
    refusal = rig.transactions.abandon(apsw.CorruptError("malformed"))()
    assert "nothing was recorded" in str(refusal)
    assert rig.transactions.doubt


def test_a_transaction_that_cannot_be_undone_is_a_doubt(rig: Rig) -> None:
    """Even an undo that fails gives a refusal, and nothing is written from then on."""
    rig.transactions.begin()
    rig.db.close()
    assert isinstance(rig.transactions.abandon(apsw.FullError("no space left"))(), Unavailable)
    with pytest.raises(Unavailable):
        rig.transactions.begin()
