"""Examines what a data directory holds: each database, the write-ahead log, the hash chain, and the read models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from hecate.dossiers.errors import HecateError, Unavailable
from hecate.dossiers.fold import Folding
from hecate.dossiers.read_model import ReadModel
from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS, user_version
from hecate.dossiers.store_check import (
    FIRST_BYTES,
    check_sqlite,
    frames_read,
    has_log,
    open_untouched,
    whole_bytes,
)
from hecate.dossiers.write_ahead_log import WriteAheadLog, keeping_index
from hecate.keep_store.compare_read_models import compare
from hecate.keep_store.data_files import EVENTS, files_in, is_served
from hecate.keep_store.findings import Finding
from hecate.keep_store.shadow_tables import leftovers
from hecate.keep_store.sound_copy import check_newest, end_of_log

RESTORE: Final = (
    "`hecate restore` the newest backup; or save what can be read: `hecate export FILE`, and `hecate import FILE` into "
    "an empty data directory"
)
COMPLAINTS: Final = 3
BUSY_MILLISECONDS: Final = 5000


def examine_store(data_dir: Path, folding: Folding, read_models: Sequence[ReadModel]) -> Iterator[Finding]:
    """Give what there is to say of the databases in *data_dir*, whether a daemon serves them or not."""
    yield _sqlite()
    served = is_served(data_dir)
    for path in files_in(data_dir).databases:
        database = data_dir / path
        # Before anything opens it: that makes the log's index anew.
        log = None if served else WriteAheadLog(database)
        try:
            with keeping_index(database), closing(_connected(database, served=served)) as db:
                structure = _structure(db, database, served=served)
                yield structure
                if path == EVENTS:
                    yield _log(db, log)
                    yield from _content(db, folding, read_models)
        except apsw.Error as exc:
            yield Finding(f"structure of {path}", "problem", f"it cannot be read: {exc}", _remedy(path))


def _sqlite() -> Finding:
    try:
        check_sqlite()
    except Unavailable as exc:
        return Finding("SQLite", "problem", str(exc), "install Hecate anew: it brings its own")
    return Finding("SQLite", "ok", apsw.sqlite_lib_version())


def _connected(database: Path, *, served: bool) -> apsw.Connection:
    if not served:
        return open_untouched(database)
    db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(BUSY_MILLISECONDS)
    return db


def _structure(db: apsw.Connection, database: Path, *, served: bool) -> Finding:
    check, remedy = f"structure of {database.name}", _remedy(database.name)
    size = database.stat().st_size
    with database.open("rb") as file:
        head = file.read(len(FIRST_BYTES))
    if size and head != FIRST_BYTES:
        return Finding(check, "problem", "it is no SQLite file: its first 16 bytes are others", remedy)
    # With a log, the last pages may be there alone: a kill in the middle of a checkpoint is no damage.  Without one,
    # before SQLite reads anything: of a database that was cut off it says "malformed", and not where.
    if not served and size < (whole := whole_bytes(database)) and not (has_log(database) and frames_read(db)):
        return Finding(check, "problem", f"it ends at byte {size} and had {whole}: its last pages are gone", remedy)
    complaints: list[str] = []
    try:
        for (line,) in db.execute(f"PRAGMA integrity_check({COMPLAINTS})"):
            complaints.append(str(line))
    except apsw.CorruptError:
        # It may say where, and then break off.
        if not complaints:
            raise
    if complaints != ["ok"]:
        return Finding(check, "problem", "; ".join(" ".join(line.split()) for line in complaints), remedy)
    return Finding(check, "ok", f"whole, {size:,} bytes")


def _log(db: apsw.Connection, log: WriteAheadLog | None) -> Finding:
    check = "write-ahead log"
    if log is None:
        return Finding(check, "ok", "the daemon has it open, and has looked at it when it started")
    read = frames_read(db)
    lost = log.lost(read)
    if lost is None:
        return Finding(check, "ok", f"{read} frames" if read else "there is none")
    how, many = ("ends too early", "at least ") if lost.was_cut else ("is damaged", "")
    return Finding(
        check,
        "problem",
        f"it {how} at byte {lost.at_byte}: {many}{lost.commits} commits cannot be read, and no daemon starts",
        RESTORE,
    )


def _content(db: apsw.Connection, folding: Folding, read_models: Sequence[ReadModel]) -> Iterator[Finding]:
    """Examine one state of the store."""
    db.execute("BEGIN")
    if int(db.pragma("application_id")) != APPLICATION_ID:
        yield Finding("version", "problem", f"{EVENTS} is not a store of Hecate", "name the right data directory")
        return
    schema = user_version(db)
    if schema > len(MIGRATIONS):
        found = f"a newer Hecate has written the store (schema {schema}, this one knows {len(MIGRATIONS)})"
        yield Finding("version", "problem", found, "install that version")
        return
    yield Finding("version", "ok", f"schema {schema}")
    try:
        end = end_of_log(db, EVENTS)
        check_newest(db, end.position)
    except Unavailable as exc:
        yield Finding("hash chain", "problem", str(exc), RESTORE)
        return
    yield Finding("hash chain", "ok", f"{end.position:,} events follow from each other, up to {end.hash[:16]}…")
    if left := leftovers(db):
        yield Finding(
            "rebuild", "warning", f"a rebuild was killed, or is under way: {', '.join(left)}", "call `hecate rebuild`"
        )
    try:
        yield from compare(db, folding, read_models)
    except (HecateError, apsw.Error) as exc:
        yield Finding("read models", "problem", f"the events cannot be folded: {exc}", "install the newest Hecate")


def _remedy(database: str) -> str:
    if database == EVENTS:
        return RESTORE
    return f"`hecate restore` the newest backup; without {database} the daemon begins a new one"
