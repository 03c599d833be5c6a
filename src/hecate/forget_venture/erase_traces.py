"""Erases what is left of forgotten ventures: in the files beside the store, in free pages, and in write-ahead logs.

It is done before the caller has an answer, and at the daemon's next start where it could not be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
import structlog

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Unavailable
from hecate.dossiers.forgetting import keep_erased, unerased
from hecate.dossiers.traces import BUSY_MILLISECONDS, erase_traces
from hecate.endpoints import Background
from hecate.serve_llm.gateway import Gateway

if TYPE_CHECKING:
    from hecate.endpoints import Services

# Processes meet by stored names, and so do the files of two of them.
ERASING: Final[Mapping[str, str]] = {
    "usage.db": """
        DELETE FROM messages WHERE call_id IN (SELECT id FROM calls WHERE venture_id IN temp.forgotten
            OR division_id IN temp.forgotten)
    """,
    "samples.db": """
        UPDATE samples SET message = '' WHERE message <> ''
        AND division IN (SELECT number FROM subjects WHERE id IN temp.forgotten)
    """,
}
"""By file: what goes of the ventures and divisions whose ids are in ``forgotten``."""

SUBJECTS: Final = """
SELECT DISTINCT substr(stream, instr(stream, '-') + 1) FROM events WHERE venture_id = ?1 UNION SELECT ?1
"""
WAS_CHECKED: Final = "SELECT 1 FROM events WHERE +venture_id = ? AND type = 'health_check_registered_v1' LIMIT 1"
SECONDS_OF_LAST_POLLS: Final = 2.5
"""For how long the outcome of a poll may be on its way into its file after monitoring has ended."""
SECONDS_BETWEEN_TRIES: Final = 30.0

log = structlog.get_logger(__name__)


async def erase_all_traces(services: Services) -> None:
    """Erase what is left of every venture that is forgotten; there is nothing left once this returns.

    Raises:
        Unavailable: The disk refuses, or another program reads an old state for too long.
    """
    engine = services.get(Engine)

    def what_is_left(db: apsw.Connection) -> tuple[int, Sequence[str], bool]:
        left = unerased(db)
        subjects = [str(subject) for one in left for (subject,) in db.execute(SUBJECTS, (one.venture_id,))]
        was_checked = any(db.execute(WAS_CHECKED, (one.venture_id,)).fetchone() for one in left)
        return max((one.position for one in left), default=0), subjects, was_checked

    position, subjects, was_checked = await engine.store.read(what_is_left)
    if not position:
        return
    # What has ended is on its way into these files.
    await services.get(Gateway).ledger.up_to_date()
    if was_checked:
        await asyncio.sleep(SECONDS_OF_LAST_POLLS)
    for name, sql in ERASING.items():
        await asyncio.to_thread(_erase, engine.store.path.with_name(name), sql, subjects)
    await asyncio.to_thread(engine.store.erase_traces)
    await engine.store.writer.submit(lambda db: keep_erased(db, position))


def _erase(path: Path, sql: str, subjects: Sequence[str]) -> None:
    """Do *sql* in the database *path*, if there is one, and erase what it leaves of *subjects*."""
    if not path.exists():
        return
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as db:
            db.set_busy_timeout(BUSY_MILLISECONDS)
            db.pragma("temp_store", 2)
            db.execute("CREATE TEMP TABLE forgotten (id TEXT PRIMARY KEY) WITHOUT ROWID")
            db.executemany("INSERT INTO temp.forgotten VALUES (?)", [(subject,) for subject in subjects])
            db.execute(sql)
    except apsw.Error as exc:
        raise Unavailable(f"what was forgotten is not erased from {path}: {exc}") from exc
    erase_traces(path)


async def finish(services: Services) -> None:
    """Erase what a daemon that was killed, or a disk that refused, has left."""
    while True:
        try:
            await erase_all_traces(services)
        except Unavailable as exc:
            log.warning("what was forgotten is not erased everywhere yet", reason=str(exc))
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        else:
            return


BACKGROUND = Background("erase what is forgotten", finish)
