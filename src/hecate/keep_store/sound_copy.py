"""Whether a SQLite file that nobody has open is whole, and what its event log ends with."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw
import msgspec

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS, user_version
from hecate.dossiers.texts import VentureKeys

EVENTS_A_PAGE = 2000


class LogEnd(msgspec.Struct, frozen=True):
    """The newest event of a log: whoever has both has all that was before them."""

    position: int
    """0: there is no event."""
    hash: str
    """In hexadecimal."""


def unshared(path: Path) -> apsw.Connection:
    """Open *path*, which nobody else has open, for reading; nothing is made beside it."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(str(path))}?immutable=1", flags=flags)


def check_copy(path: Path) -> None:
    """Refuse a damaged SQLite file.

    Raises:
        Unavailable: It is damaged, or none; the message says where.
    """
    try:
        with closing(unshared(path)) as db:
            verdict = [str(line) for (line,) in db.execute("PRAGMA integrity_check(1)")]
    except apsw.Error as exc:
        raise Unavailable(f"{path} cannot be read: {exc}") from exc
    if verdict != ["ok"]:
        raise Unavailable(f"{path} is damaged: {verdict[0] if verdict else 'no verdict'}")


def check_log(path: Path) -> LogEnd:
    """Check every event in the store at *path* against the hash chain, and return the newest.

    Raises:
        Unavailable: It is no store, one of a newer Hecate, or an event does not follow from the one before it.
    """
    try:
        with closing(unshared(path)) as db:
            if int(db.pragma("application_id")) != APPLICATION_ID:
                raise Unavailable(f"{path} is not a store of Hecate")
            if user_version(db) > len(MIGRATIONS):
                raise Unavailable(f"{path} was written by a newer Hecate (schema {user_version(db)})")
            end = end_of_log(db, str(path))
            check_newest(db, end.position)
            return end
    except apsw.Error as exc:
        raise Unavailable(f"{path} cannot be read: {exc}") from exc


def end_of_log(db: apsw.Connection, name: str) -> LogEnd:
    """Check every event that *db* has, as `check_log` does; *name* is for the message."""
    position, previous, keys = 0, GENESIS, VentureKeys(db)
    while events := _next_page(db, position, name):
        broken = first_broken(previous, events, keys)
        if broken is None and (events[0].position, events[-1].position) != (position + 1, position + len(events)):
            broken = next(event.position for at, event in enumerate(events, position + 1) if event.position != at)
        if broken is not None:
            raise Unavailable(f"{name} is damaged: event {broken} does not follow from the one before it")
        position, previous = events[-1].position, events[-1].hash
    return LogEnd(position, previous.hex())


def _next_page(db: apsw.Connection, position: int, name: str) -> list[StoredEvent]:
    try:
        return _page(db, position)
    except UnicodeDecodeError as exc:
        raise Unavailable(f"{name} is damaged: event {position + 1} is no text") from exc


def check_newest(db: apsw.Connection, newest: int) -> None:
    """Refuse a log without its end, which the chain does not tell of; *newest* is its last position.

    Raises:
        Unavailable: A later position was given once.
    """
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    if row is not None and row[0] != newest:
        raise Unavailable(f"the log was changed from outside: it ends at event {newest} and had {row[0]}")


def _page(db: apsw.Connection, position: int, limit: int = EVENTS_A_PAGE) -> list[StoredEvent]:
    """Return the events after *position*, as many as can be read.

    Raises:
        UnicodeDecodeError: Not even the first of them is text.
    """
    sql = "SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?"
    try:
        return [StoredEvent(*row) for row in db.execute(sql, (position, limit))]
    except UnicodeDecodeError:
        if limit == 1:
            raise
    return _page(db, position, limit // 2)
