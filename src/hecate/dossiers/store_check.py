"""What is looked at before a store is opened for writing: a damaged one is left as it is."""

from __future__ import annotations

import struct
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS, user_version
from hecate.dossiers.texts import VentureKeys
from hecate.dossiers.write_ahead_log import WriteAheadLog, keeping_index

OLDEST_SQLITE = (3, 51, 3)
"""Earlier ones can corrupt a write-ahead log that is reset while another connection reads."""

FIRST_BYTES = b"SQLite format 3\0"
TAIL_EVENTS = 1000
CHECK_SECONDS = 0.3
STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000


def check_sqlite() -> None:
    """Refuse a SQLite that can lose data.

    Raises:
        Unavailable: The SQLite in use is older than `OLDEST_SQLITE`.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise Unavailable(f"SQLite {apsw.sqlite_lib_version()} can corrupt the store: {wanted} or later is needed")


def check_store(path: Path) -> None:
    """Look whether *path* is a sound store of a version that this code knows, without writing to it.

    The last `TAIL_EVENTS` events are checked against the hash chain, and the newest one against
    the last position that was ever given; the file's structure for at most `CHECK_SECONDS`, so
    that a start is quick however large the store is.

    Raises:
        Unavailable: It is not, and why.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        _check_first_bytes(path)
        _check_size(path)
        log = WriteAheadLog(path)
        with keeping_index(path), closing(open_untouched(path)) as db:
            _check_kind(db, path)
            _check_log(db, log, path)
            _check_structure(db, path)
            db.execute("BEGIN")  # A daemon may be writing, and the end is compared with what was given.
            _check_tail(db, path)
    except (apsw.Error, OSError, UnicodeDecodeError, TypeError) as error:  # TypeError: NULL where none can be
        raise Unavailable(f"the store {path} cannot be read ({error}); it was left as it is") from error


def _check_first_bytes(path: Path) -> None:
    with path.open("rb") as file:
        # SQLite would begin a new database in a file of a few bytes, whatever they are.
        if file.read(len(FIRST_BYTES)) != FIRST_BYTES:
            raise Unavailable(f"{path} is not a store of Hecate; it was left as it is")


def _check_size(path: Path) -> None:
    """Refuse a file that was cut off, however large it is: the look at its structure may not come to its end."""
    if not has_log(path) and (missing_from := path.stat().st_size) < (whole := whole_bytes(path)):
        raise Unavailable(f"the store {path} ends at byte {missing_from} and had {whole}; it was left as it is")


def whole_bytes(database: Path) -> int:
    """Return how many bytes *database* must have, by its own header; 0 where that does not say.

    It tells of the file alone: with a log, the last pages may be there.
    """
    with database.open("rb") as file:
        head = file.read(100)
    if len(head) < 100:
        return 0
    (page,) = struct.unpack_from(">H", head, 16)
    changes, pages = struct.unpack_from(">II", head, 24)
    (known_at,) = struct.unpack_from(">I", head, 92)
    return (65536 if page == 1 else int(page)) * int(pages) if changes == known_at else 0


def has_log(database: Path) -> bool:
    """Tell whether there is a write-ahead log with something in it."""
    log = database.with_name(f"{database.name}-wal")
    return log.exists() and log.stat().st_size > 0


def open_untouched(path: Path) -> apsw.Connection:
    """Open *path* for reading; without a log beside it, so that none is made."""
    flags = apsw.SQLITE_OPEN_READONLY
    if has_log(path):
        return apsw.Connection(str(path), flags=flags)
    return apsw.Connection(f"file:{quote(str(path))}?immutable=1", flags=flags | apsw.SQLITE_OPEN_URI)


def _check_kind(db: apsw.Connection, path: Path) -> None:
    if int(db.pragma("application_id")) != APPLICATION_ID:
        if user_version(db) == 0 and not db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            return  # a start that ended before its first migration
        raise Unavailable(f"{path} is not a store of Hecate; it was left as it is")
    if user_version(db) > len(MIGRATIONS):
        raise Unavailable(
            f"the store {path} was written by a newer Hecate (schema {user_version(db)}, this one knows "
            f"{len(MIGRATIONS)}); it was left as it is"
        )


def _check_log(db: apsw.Connection, log: WriteAheadLog, path: Path) -> None:
    """Refuse a log of which SQLite would read the beginning only."""
    lost = log.lost(frames_read(db))
    if lost is not None:
        how, many = ("ends too early", "at least ") if lost.was_cut else ("is damaged", "")
        raise Unavailable(
            f"the write-ahead log of {path} {how} at byte {lost.at_byte}, and {many}{lost.commits} commits are lost "
            "with what follows; it was left as it is"
        )


def frames_read(db: apsw.Connection) -> int:
    """Return how many frames of its write-ahead log *db* reads; 0 without one."""
    db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()  # it looks at the log when it reads
    if str(db.pragma("journal_mode")) != "wal":
        return 0
    frames, _ = db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return max(0, frames)


def _check_structure(db: apsw.Connection, path: Path) -> None:
    deadline = time.monotonic() + CHECK_SECONDS
    db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
    try:
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()
    except apsw.InterruptError:
        return
    finally:
        db.set_progress_handler(None)
    if verdict != ("ok",):
        raise Unavailable(
            f"the store {path} is damaged ({verdict[0] if verdict else 'no verdict'}); it was left as it is"
        )


def _check_newest(db: apsw.Connection, path: Path, newest: int) -> None:
    """Refuse a log whose end is gone: the chain holds without it."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    given = row[0] if row else 0
    if isinstance(given, int) and given > newest:
        missing = f"event {given} is" if given == newest + 1 else f"events {newest + 1} to {given} are"
        raise Unavailable(f"the store {path} was changed from outside: {missing} missing; it was left as it is")


def _check_tail(db: apsw.Connection, path: Path) -> None:
    if user_version(db) == 0:
        return
    newest = db.execute("SELECT * FROM events ORDER BY position DESC LIMIT ?", (TAIL_EVENTS + 1,)).fetchall()
    tail = [StoredEvent(*row) for row in reversed(newest)]
    _check_newest(db, path, tail[-1].position if tail else 0)
    if len(tail) > TAIL_EVENTS:
        previous, tail = tail[0].hash, tail[1:]
    else:
        previous = GENESIS
    broken = first_broken(previous, tail, VentureKeys(db))
    if broken is not None:
        raise Unavailable(
            f"the store {path} was changed from outside: event {broken} does not follow from the one before it; "
            "it was left as it is"
        )
