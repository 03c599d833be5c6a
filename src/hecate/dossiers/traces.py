"""What SQLite leaves of rows that were deleted or changed: free pages, gaps in pages, and the write-ahead log."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from hecate.dossiers.errors import Unavailable

BUSY_MILLISECONDS: Final = 10_000
PATIENCE_SECONDS: Final = 60.0
"""How long another program may read an old state of the file, as a backup does."""


def erase_traces(path: Path) -> None:
    """Have nothing in the database *path* and in its log but what its tables hold.

    Its writers wait meanwhile; its readers do not.

    Raises:
        Unavailable: The disk refuses, or somebody reads an old state for too long.
    """
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
            db.set_busy_timeout(BUSY_MILLISECONDS)
            db.pragma("synchronous", "full")
            db.pragma("secure_delete", 1)
            # Every row goes into a new page, and what is not in use any more goes out of the file.
            db.execute("VACUUM")
            _end_log(db, path)
    except apsw.Error as exc:
        raise Unavailable(
            f"what was erased still lies in free pages of {path}, which cannot be written: {exc}"
        ) from exc


def _end_log(db: apsw.Connection, path: Path) -> None:
    """Bring the write-ahead log into the file, and cut it to nothing."""
    if str(db.pragma("journal_mode")) != "wal":
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    log = path.with_name(f"{path.name}-wal")
    while True:
        try:
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
        if not log.exists() or log.stat().st_size == 0:
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"what was erased still lies in {log}, since another program reads an old state of it")
