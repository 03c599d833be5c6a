"""SQLite files beside the event store, for what is much, and need not be durable: calls of models, results of polls.

Apart from the store, whose commits wait for the disk: here nothing does, so that the last second may be lost in a
power cut, and none of the rest be damaged.  A file that is damaged all the same is set aside, and another begun: it
is no reason not to serve.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import NamedTuple, TypeVar

import apsw
import structlog

from hecate.dossiers.errors import Unavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Form(NamedTuple):
    """What such a file is."""

    application_id: int
    """In its header, four letters."""
    migrations: tuple[str, ...]
    """What makes each version from the one before, the first from an empty file."""
    cache_kib: int


def opened(path: Path, form: Form, read: Callable[[apsw.Connection], T]) -> T:
    """Open the file *path*, or begin one, and return what *read* makes of it.

    Raises:
        Unavailable: A newer Hecate has written it, or it is another program's.
        OSError, apsw.Error: The disk refuses.
    """
    try:
        return read(_connected(path, form))
    except (apsw.NotADBError, apsw.CorruptError) as exc:
        aside = path.with_name(f"{path.name}.damaged-{int(time())}")
        path.rename(aside)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        log.warning("records are damaged, begun anew", file=path.name, old=str(aside), reason=str(exc))
        return read(_connected(path, form))


def _connected(path: Path, form: Form) -> apsw.Connection:
    # Owner only, from the very first moment: they may quote what others have said.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(5000)
        version = _known_version(path, db, form)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "normal")
        db.pragma("journal_size_limit", 16 * 1024 * 1024)
        db.pragma("cache_size", -form.cache_kib)
        for number, script in enumerate(form.migrations[version:], start=version + 1):
            with db:
                db.execute(script)
                db.pragma("application_id", form.application_id)
                db.pragma("user_version", number)
    except BaseException:
        db.close()
        raise
    return db


def _known_version(path: Path, db: apsw.Connection, form: Form) -> int:
    """Return how many migrations the file has had.

    Raises:
        Unavailable: It is not ours, or not ours yet.
    """
    version = int(db.pragma("user_version"))
    if version > len(form.migrations):
        raise Unavailable(f"{path} was written by a newer Hecate")
    if version and int(db.pragma("application_id")) != form.application_id:
        raise Unavailable(f"{path} is another program's database")
    return version
