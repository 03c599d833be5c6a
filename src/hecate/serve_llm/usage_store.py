"""The file that remembers every call of a model: ``usage.db`` in the data directory.

Apart from the event store, whose commits wait for the disk: here nothing does (``synchronous = NORMAL``).
A batch goes in with few statements, since a thread has to get the interpreter lock back after each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from time import monotonic, time
from typing import Final, NamedTuple, Self

import apsw
import structlog

from hecate.side_files import Form, opened

DATABASE_NAME: Final = "usage.db"
APPLICATION_ID: Final = 0x48454355
"""``HECU`` in the file's header."""
DAY_MILLISECONDS: Final = 86_400_000
DELETED_AT_ONCE: Final = 5000
"""Rows of one transaction when what is too old goes: new ones must not wait long."""
MOST_CLOCK_DIFFERENCE: Final = 60.0
"""Seconds by which the clock may have moved otherwise than time has passed, when something is deleted for its age."""

MIGRATIONS: Final = (
    """
    CREATE TABLE calls (
        id                 INTEGER PRIMARY KEY,
        began_at           INTEGER NOT NULL,  -- milliseconds since 1970, UTC
        operation          TEXT    NOT NULL,
        provider           TEXT    NOT NULL,
        model              TEXT    NOT NULL,
        asked_model        TEXT    NOT NULL,
        streamed           INTEGER NOT NULL,
        outcome            TEXT    NOT NULL,
        prompt_tokens      INTEGER,           -- all five are NULL where the provider has told nothing
        completion_tokens  INTEGER,
        cached_tokens      INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens   INTEGER,
        cost_usd           REAL,              -- NULL: unknown
        first_piece_ms     REAL,
        total_ms           REAL    NOT NULL,
        overhead_ms        REAL,
        venture_id         TEXT    NOT NULL,
        division_id        TEXT    NOT NULL,
        uid                INTEGER,
        request_id         TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_time ON calls (began_at);

    CREATE TABLE messages (
        call_id INTEGER PRIMARY KEY,
        request TEXT NOT NULL,
        answer  TEXT NOT NULL
    ) STRICT;

    -- What budgets need to know, which outlives the calls.
    CREATE TABLE spending (
        day        INTEGER NOT NULL,          -- days since 1970, UTC
        venture_id TEXT    NOT NULL,
        cost_usd   REAL    NOT NULL,
        PRIMARY KEY (day, venture_id)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Each entry leads from ``user_version`` of its index to the next; none ever changes."""
FORM: Final = Form(APPLICATION_ID, MIGRATIONS, cache_kib=1024)

log = structlog.get_logger(__name__)


class RecordedCall(NamedTuple):
    """A call as it is stored: the columns of ``calls`` after ``id``, in order."""

    began_at: int
    operation: str
    provider: str
    model: str
    asked_model: str
    streamed: int
    outcome: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    first_piece_ms: float | None
    total_ms: float
    overhead_ms: float | None
    venture_id: str
    division_id: str
    uid: int | None
    request_id: str
    messages: tuple[str, str] | None = None
    """The request and the answer, if those are kept."""


COLUMNS: Final = RecordedCall._fields[:-1]
ROWS_A_STATEMENT: Final = 50
"""A row costs 2.6 µs so, 3.4 µs alone; of more at once each costs more again."""
_ROW = f"({', '.join('?' * (len(COLUMNS) + 1))})"
INSERT_ONE: Final = f"INSERT INTO calls (id, {', '.join(COLUMNS)}) VALUES {_ROW}"  # noqa: S608 - columns are ours
INSERT_MANY: Final = INSERT_ONE + f", {_ROW}" * (ROWS_A_STATEMENT - 1)
ADD_SPENDING: Final = """
    INSERT INTO spending VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET cost_usd = cost_usd + excluded.cost_usd"""


class UsageStore:
    """The recorded calls.  One thread writes; `reader` gives others a connection of their own."""

    def __init__(self, path: Path, db: apsw.Connection) -> None:
        self.path = path
        self._db = db
        self._forgot_at = (time(), monotonic())
        ((self._next_id,),) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM calls")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or begin one.  A damaged one is set aside: it is no reason not to serve.

        Raises:
            Unavailable: A newer Hecate has written it, or it is another program's.
            OSError, apsw.Error: The disk refuses.
        """
        return opened(path, FORM, lambda db: cls(path, db))

    def write(self, calls: Sequence[RecordedCall]) -> None:
        """Add *calls*, all or none.

        Raises:
            apsw.Error: The disk refuses.
        """
        rows = [(id_, *call[:-1]) for id_, call in enumerate(calls, self._next_id)]
        messages = [(id_, *call.messages) for id_, call in enumerate(calls, self._next_id) if call.messages]
        spent: defaultdict[tuple[int, str], float] = defaultdict(float)
        for call in calls:
            if call.cost_usd:
                spent[call.began_at // DAY_MILLISECONDS, call.venture_id] += call.cost_usd
        whole = len(rows) - len(rows) % ROWS_A_STATEMENT
        with self._db:
            for first in range(0, whole, ROWS_A_STATEMENT):
                self._db.execute(INSERT_MANY, [*chain.from_iterable(rows[first : first + ROWS_A_STATEMENT])])
            self._db.executemany(INSERT_ONE, rows[whole:])
            self._db.executemany("INSERT INTO messages VALUES (?, ?, ?)", messages)
            self._db.executemany(ADD_SPENDING, [(*of, cost_usd) for of, cost_usd in spent.items()])
        self._next_id += len(calls)

    def forget(self, keep_days: int) -> bool:
        """Delete some of what is older than *keep_days*; return whether there is more.

        Nothing is deleted while the clock moves otherwise than time passes: it may be wrong.
        """
        (clock, passed), self._forgot_at = self._forgot_at, (time(), monotonic())
        now, passed_now = self._forgot_at
        if abs((now - clock) - (passed_now - passed)) > MOST_CLOCK_DIFFERENCE:
            log.warning("the clock was changed; old calls are kept for now")
            return False
        before = int(now * 1000) - keep_days * DAY_MILLISECONDS
        old = "SELECT id FROM calls WHERE began_at < ? ORDER BY began_at LIMIT ?"
        with self._db:
            self._db.execute(f"DELETE FROM messages WHERE call_id IN ({old})", (before, DELETED_AT_ONCE))  # noqa: S608
            self._db.execute(f"DELETE FROM calls WHERE id IN ({old})", (before, DELETED_AT_ONCE))  # noqa: S608
            deleted = self._db.changes()
            self._db.execute("DELETE FROM spending WHERE venture_id = '' AND day < ?", (before // DAY_MILLISECONDS,))
        return deleted == DELETED_AT_ONCE

    def spent(self) -> list[tuple[int, str, float]]:
        """Return what was spent, as far back as is known: day since 1970 (UTC), venture ("" for none), USD."""
        return list(self._db.execute("SELECT day, venture_id, cost_usd FROM spending"))

    def reader(self) -> apsw.Connection:
        """Return a connection that only reads, to be closed by the caller."""
        db = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(1000)
        return db

    def close(self) -> None:
        """Close the file."""
        self._db.close()
