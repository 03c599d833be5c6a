"""A second set of a read model's tables, in the store itself, which can take the place of the first at once.

Their names have a ``~``, and so have their indexes for ever: SQLite renames tables and no indexes, and an index
goes with its table.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count, islice
from typing import Final, NamedTuple

import apsw

from hecate.dossiers.read_model import ReadModel

NEW: Final = "~new"
OLD: Final = "~old"
ROWS_A_TURN: Final = 500
"""A transaction of so many is what a writer of the store waits for: a few milliseconds."""
SHORTEST_REST_SECONDS: Final = 0.002
"""Who waits for the lock looks for it every few milliseconds."""

_INDEX: Final = re.compile(r'(CREATE\s+(?:UNIQUE\s+)?INDEX\s+)("[^"]+"|\w+)', re.IGNORECASE)


class ShadowTables(NamedTuple):
    """The tables of some read models, each with a shadow beside it in the store."""

    names: tuple[str, ...]

    @classmethod
    def make(cls, db: apsw.Connection, read_models: Sequence[ReadModel]) -> ShadowTables:
        """Make empty shadows in *db*, in one transaction; what an earlier try has left goes."""
        drop_leftovers(db)
        names = []
        with closing(apsw.Connection(":memory:")) as scratch, immediate(db):
            for model in read_models:
                scratch.execute(model.schema)
            tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            for (name,) in scratch.execute(tables).fetchall():
                names.append(str(name))
                scratch.execute(f'ALTER TABLE "{name}" RENAME TO "{name}{NEW}"')
            taken = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
            made = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC"
            for kind, name, sql in scratch.execute(made).fetchall():
                db.execute(_renamed(str(sql), _free(str(name), taken)) if kind == "index" else str(sql))
        return cls(tuple(names))

    def fill(self, db: apsw.Connection, source: apsw.Connection) -> float:
        """Copy what the tables in *source* hold into the shadows, some hundred rows a transaction.

        Returns:
            For how many seconds, at the most, nobody else could write.
        """
        longest = 0.0
        for name in self.names:
            columns = len(source.execute(f'PRAGMA table_info("{name}")').fetchall())
            insert = f'INSERT INTO "{name}{NEW}" VALUES ({", ".join("?" * columns)})'  # noqa: S608 - our own names
            rows = source.execute(f'SELECT * FROM "{name}"')  # noqa: S608
            while some := list(islice(rows, ROWS_A_TURN)):
                with immediate(db) as turn:
                    db.executemany(insert, some)
                longest = max(longest, turn.rest())
        return longest

    def swap(self, db: apsw.Connection) -> None:
        """Let the shadows be the tables, and the tables what is dropped later; within the caller's transaction."""
        self._rename(db, "", OLD)
        self._rename(db, NEW, "")

    def swap_back(self, db: apsw.Connection) -> None:
        """Undo `swap`."""
        self._rename(db, "", NEW)
        self._rename(db, OLD, "")

    def _rename(self, db: apsw.Connection, ending: str, becomes: str) -> None:
        for name in self.names:
            db.execute(f'ALTER TABLE "{name}{ending}" RENAME TO "{name}{becomes}"')


class Turn:
    """How long a transaction has kept others from writing."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seconds = 0.0

    def end(self) -> None:
        """Say that it is over."""
        self._seconds = time.monotonic() - self._began

    def rest(self) -> float:
        """Let others write for as long, and return how long it was, in seconds."""
        time.sleep(max(SHORTEST_REST_SECONDS, self._seconds))
        return self._seconds


@contextmanager
def immediate(db: apsw.Connection) -> Iterator[Turn]:
    """Begin a transaction that may write from its beginning on, and commit it at the end."""
    db.execute("BEGIN IMMEDIATE")
    turn = Turn()
    try:
        yield turn
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    turn.end()


def leftovers(db: apsw.Connection) -> list[str]:
    """Return the tables that a rebuild which was killed has left."""
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND (name GLOB '*~new' OR name GLOB '*~old')"
    return [str(name) for (name,) in db.execute(sql)]


def drop_leftovers(db: apsw.Connection) -> float:
    """Drop them, some hundred rows a transaction; return for how many seconds, at the most, nobody else could write."""
    longest = 0.0
    for name in leftovers(db):
        key = ", ".join(f'"{column}"' for column in _key(db, name))
        some = f'SELECT {key} FROM "{name}" LIMIT {ROWS_A_TURN}'  # noqa: S608 - our own names
        is_left = True
        while is_left:
            with immediate(db) as turn:
                db.execute(f'DELETE FROM "{name}" WHERE ({key}) IN ({some})')  # noqa: S608
                is_left = db.changes() == ROWS_A_TURN
                if not is_left:
                    db.execute(f'DROP TABLE "{name}"')
            longest = max(longest, turn.rest())
    return longest


def _key(db: apsw.Connection, table: str) -> list[str]:
    """Return the columns that tell the rows of *table* from each other."""
    ((without_rowid,),) = db.execute("SELECT wr FROM pragma_table_list(?)", (table,))
    if not without_rowid:
        return ["rowid"]
    sql = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
    return [str(name) for (name,) in db.execute(sql, (table,))]


def _renamed(sql: str, name: str) -> str:
    return _INDEX.sub(lambda found: f'{found[1]}"{name}"', sql, count=1)


def _free(name: str, taken: set[object]) -> str:
    """Return a name for the index *name* that none has and that no schema gives."""
    return next(free for number in count(1) if (free := f"{name}~{number}") not in taken)
