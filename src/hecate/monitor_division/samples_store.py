"""The file that remembers how each poll went: ``samples.db`` beside the event store.

A file of its own.  Thousands of checks give hundreds of results a second, which nobody needs to be durable: here
no commit waits for the disk (``synchronous = NORMAL``), the store's group commits and its hash chain stay as
they are, and a back-up of the events is not a hundred times as large.

Results are kept for a while as they are (``samples``), and counted by minute, hour and day (``counts``) in the same
transaction, which is what availability and percentiles of 1 h, 24 h and 30 d are added up from: 114 rows or
a few more for a check, however short its interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, time
from typing import Final, NamedTuple, Self

import apsw
import structlog

from hecate.monitor_division.latency_buckets import bucket_of
from hecate.side_files import Form, opened

DATABASE_NAME: Final = "samples.db"
APPLICATION_ID: Final = 0x48454353
"""``HECS`` in the file's header."""
FAILED: Final = -1
"""Stands for the bucket of polls that have failed."""
DELETED_AT_ONCE: Final = 5000
"""Rows of one transaction when what is too old goes: new ones must not wait long."""

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
KEPT_STEPS: Final = {MINUTE: 2 * 60, HOUR: 2 * 24, DAY: 32}
"""How many steps of each width are kept, in their number: more than the windows take."""
MOST_CLOCK_DIFFERENCE: Final = 60.0
"""Seconds by which the clock may have moved otherwise than time has passed, when something is deleted for its age."""

MIGRATIONS: Final = (
    """
    -- A number for each check and each division, which is shorter than its id.
    CREATE TABLE subjects (
        number INTEGER PRIMARY KEY,
        id     TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE samples (
        id         INTEGER PRIMARY KEY,
        division   INTEGER NOT NULL,
        subject    INTEGER NOT NULL,          -- the check
        polled_at  INTEGER NOT NULL,          -- milliseconds since 1970, UTC
        passed     INTEGER NOT NULL,
        latency_ms REAL    NOT NULL,
        message    TEXT    NOT NULL           -- why it has failed
    ) STRICT;
    CREATE INDEX samples_by_check ON samples (subject, id);
    CREATE INDEX samples_by_division ON samples (division, id);

    -- Of checks, and of divisions for all their checks together.  What is counted at the same time lies side by side.
    CREATE TABLE counts (
        width   INTEGER NOT NULL,             -- seconds: a minute, an hour or a day
        start   INTEGER NOT NULL,             -- seconds since 1970, UTC, divided by the width
        subject INTEGER NOT NULL,
        bucket  INTEGER NOT NULL,             -- of the latency; -1: failed
        polls   INTEGER NOT NULL,
        PRIMARY KEY (width, start, subject, bucket)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Each entry leads from ``user_version`` of its index to the next; none ever changes."""
FORM: Final = Form(APPLICATION_ID, MIGRATIONS, cache_kib=4096)

log = structlog.get_logger(__name__)

NUMBER: Final = "INSERT INTO subjects (id) VALUES (?) ON CONFLICT DO UPDATE SET id = excluded.id RETURNING number"
ADD_SAMPLE: Final = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_COUNT: Final = """
    INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET polls = polls + excluded.polls"""


class Sample(NamedTuple):
    """How a poll went."""

    division_id: str
    check_id: str
    polled_at: int
    """Milliseconds since 1970, UTC."""
    passed: bool
    latency_ms: float
    message: str
    """Why it has failed; empty where it has passed."""


class SamplesStore:
    """The recorded polls.  One thread writes; `reader_beside` gives others a connection of their own."""

    def __init__(self, path: Path, db: apsw.Connection) -> None:
        self.path = path
        self._db = db
        self._numbers: dict[str, int] = {}
        ((self._next_id,),) = db.execute("SELECT coalesce(max(id), 0) + 1 FROM samples")
        self._forgot_at = (time(), monotonic())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or begin one.  A damaged one is set aside: it is no reason not to watch.

        Raises:
            Unavailable: A newer Hecate has written it, or it is another program's.
            OSError, apsw.Error: The disk refuses.
        """
        return opened(path, FORM, lambda db: cls(path, db))

    def write(self, samples: Sequence[Sample]) -> None:
        """Add *samples*, all or none.

        Raises:
            apsw.Error: The disk refuses.
        """
        counted: Counter[tuple[int, int, int, int]] = Counter()
        rows = []
        try:
            with self._db:
                for id_, sample in enumerate(samples, self._next_id):
                    division, subject = self._number(sample.division_id), self._number(sample.check_id)
                    rows.append((id_, division, subject, *sample[2:]))
                    bucket = bucket_of(sample.latency_ms) if sample.passed else FAILED
                    second = sample.polled_at // 1000
                    for width in KEPT_STEPS:
                        counted[width, second // width, subject, bucket] += 1
                        counted[width, second // width, division, bucket] += 1
                self._db.executemany(ADD_SAMPLE, rows)
                # In the table's order: neighbours lie on one page.
                self._db.executemany(ADD_COUNT, [(*key, polls) for key, polls in sorted(counted.items())])
        except BaseException:
            self._numbers.clear()  # some of them were undone
            raise
        self._next_id += len(samples)

    def _number(self, id_: str) -> int:
        number = self._numbers.get(id_)
        if number is None:
            ((number,),) = self._db.execute(NUMBER, (id_,))
            self._numbers[id_] = number
        return number

    def forget(self, keep_hours: int, most_samples: int) -> None:
        """Delete what is too old: samples after *keep_hours* and all but the newest *most_samples*, and old counts.

        Nothing is deleted for its age while the clock moves otherwise than time passes: it may be wrong.
        """
        self._forget_before(self._next_id - most_samples)
        before, self._forgot_at = self._forgot_at, (time(), monotonic())
        now, elapsed = self._forgot_at
        if abs((now - before[0]) - (elapsed - before[1])) > MOST_CLOCK_DIFFERENCE:
            log.warning("the clock was changed; old samples are kept for now")
            return
        kept_since = int(now - keep_hours * HOUR) * 1000
        # They lie in the order of their time: this looks no further than at the first that stays.
        first = "SELECT id FROM samples WHERE polled_at >= ? ORDER BY id LIMIT 1"
        row = self._db.execute(first, (kept_since,)).fetchone()
        self._forget_before(row[0] if row else self._next_id)
        for width, steps in KEPT_STEPS.items():
            with self._db:
                self._db.execute("DELETE FROM counts WHERE width = ? AND start < ?", (width, int(now) // width - steps))

    def _forget_before(self, id_: int) -> None:
        deleted = DELETED_AT_ONCE
        while deleted == DELETED_AT_ONCE:
            with self._db:
                old = "SELECT id FROM samples WHERE id < ? ORDER BY id LIMIT ?"
                self._db.execute(f"DELETE FROM samples WHERE id IN ({old})", (id_, DELETED_AT_ONCE))  # noqa: S608
                deleted = self._db.changes()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@contextmanager
def reader_beside(db: apsw.Connection) -> Iterator[apsw.Connection | None]:
    """Give a connection that reads the samples beside the event store of *db*; None where nothing was polled yet."""
    path = Path(db.filename).with_name(DATABASE_NAME)
    try:
        reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.CantOpenError:
        yield None
        return
    try:
        reader.set_busy_timeout(1000)
        reader.execute("BEGIN")  # All that is found is of one moment.
        yield reader
    finally:
        reader.close()
