"""Forgetting a venture, in one unit of the writer: its texts go from all tables of the store, and its key.

Commitments take the places of the texts in its events, so that every hash still is what it was.  What SQLite leaves
of deleted rows is for `hecate.dossiers.traces`, once the unit is durable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hecate.dossiers.desk import Desk
from hecate.dossiers.engine import Engine, Order
from hecate.dossiers.errors import NotFound, Refused
from hecate.dossiers.forgotten import STORED_NAME, VentureForgotten, is_forgotten, refusal
from hecate.dossiers.policies import checkpoint, keep_checkpoint
from hecate.dossiers.refolding import fold_subset_anew
from hecate.dossiers.texts import committing, redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from hecate.dossiers.event_types import EventTypes
    from hecate.dossiers.process import Process
    from hecate.dossiers.read_model import Meta

ERASED: Final = "forgotten ventures"
"""The checkpoint up to which nothing is left of forgotten ventures in free pages, logs and other files."""

APPLICATIONS: Final = """
SELECT stream FROM events AS e WHERE venture_id = ?1 AND type = 'application_started_v1' AND NOT EXISTS (
    SELECT 1 FROM events AS over WHERE over.stream = e.stream AND over.version > e.version
    AND over.type IN ('application_stopped_v1', 'application_failed_v1'))
LIMIT 1
"""
"""A process of the venture whose application runs: processes meet by stored names."""

ANSWERS: Final = "SELECT key FROM commands WHERE instr(answer, CAST('\"venture_id\":\"' || ? || '\"' AS BLOB))"
WITHOUT_TEXTS: Final = """
UPDATE jobs SET command = '{}', events = '[]', message = '', output = NULL, result = NULL,
    error = json_set(error, '$.error', '[forgotten]')
WHERE venture_id = ?
"""


class Going(msgspec.Struct, frozen=True):
    """What goes when a venture is forgotten, or would go."""

    events: int
    """How many have texts."""
    jobs: int
    answers: int
    """To commands with an idempotency key."""


def what_goes(db: apsw.Connection, event_types: EventTypes, venture_id: str) -> Going:
    """Return what goes when *venture_id* is forgotten.

    Raises:
        NotFound: There is no such venture.
        Forgotten: It is forgotten already.
        Refused: It cannot be forgotten now, or ever.
    """
    recorded = db.execute("SELECT 1 FROM events WHERE venture_id = ? LIMIT 1", (venture_id,)).fetchone()
    if not venture_id or recorded is None:
        raise NotFound(f"there is no venture {venture_id!r}")
    if is_forgotten(db, venture_id):
        raise refusal(venture_id)
    _refuse_what_goes_on(db, venture_id)
    _refuse_what_stays(db, event_types, venture_id)
    events, jobs = (
        _number(db.execute(f"SELECT count(*) FROM {rows} AND venture_id = ?", (venture_id,)).fetchone())  # noqa: S608 - ours
        for rows in ("events WHERE texts IS NOT NULL", "jobs WHERE true")
    )
    return Going(events, jobs, len(_answers(db, venture_id)))


def forget(engine: Engine, db: apsw.Connection, venture_id: str, meta: Meta) -> Going:
    """Forget *venture_id*, within a unit that a thread has submitted, and return what has gone.

    Raises:
        NotFound: There is no such venture.
        Forgotten: It is forgotten already.
        Refused: It cannot be forgotten now, or ever.
    """
    going = what_goes(db, engine.event_types, venture_id)
    answers = _answers(db, venture_id)
    _archive_all(engine, db, venture_id, meta)
    ((process, subject_id),) = [
        (process, subject_id)
        for process, subject_id in _processes_of(engine, db, venture_id)
        if VentureForgotten in process.lifecycle.facts
    ]
    engine.record(db, process, subject_id, VentureForgotten(events=going.events), meta)
    with fold_subset_anew(db, engine.folding, engine.read_models, venture_id):
        _redact(db, venture_id)
    db.execute("DELETE FROM venture_keys WHERE venture_id = ?", (venture_id,))
    db.execute(WITHOUT_TEXTS, (venture_id,))
    gone = refusal(venture_id)
    body = msgspec.json.encode(gone.envelope())
    db.executemany(
        "UPDATE commands SET fingerprint = x'', status = ?, answer = ? WHERE key = ?",
        [(gone.status, body, key) for key in answers],
    )
    engine.store.keys.clear()
    engine.let_go()
    return going


# -- what is in the way


def _refuse_what_goes_on(db: apsw.Connection, venture_id: str) -> None:
    row = db.execute("SELECT id FROM jobs WHERE venture_id = ? AND finished_at IS NULL", (venture_id,)).fetchone()
    if row is not None:
        raise Refused(f"venture {venture_id!r} cannot be forgotten: its job {row[0]} waits or runs; end or cancel it")
    row = db.execute(APPLICATIONS, (venture_id,)).fetchone()
    if row is not None:
        division_id = str(row[0]).partition("-")[2]
        raise Refused(
            f"venture {venture_id!r} cannot be forgotten: the application of division {division_id!r} runs; stop it"
        )


def _refuse_what_stays(db: apsw.Connection, event_types: EventTypes, venture_id: str) -> None:
    """Refuse a venture with texts that are in hashes themselves: nothing could be told of them afterwards."""
    commit = committing(bytes(32))
    plain = "SELECT type, data FROM events WHERE venture_id = ? AND texts IS NULL"
    stays = 0
    for stored, data in db.execute(plain, (venture_id,)):
        texts = event_types.texts_of(str(stored))
        stays += bool(texts) and redacted(str(data), texts, commit) != data
    if stays:
        raise Refused(
            f"venture {venture_id!r} cannot be forgotten: {stays} of its events were recorded by a Hecate that had no "
            "keys, and each of their bytes is in the hash chain"
        )


# -- what is done


def _processes_of(engine: Engine, db: apsw.Connection, venture_id: str) -> list[tuple[Process, str]]:
    """Return the processes of *venture_id* and of its divisions in which anything has happened, each with whose."""
    by_noun = {process.noun: process for process in engine.desks}
    streams = db.execute("SELECT DISTINCT stream FROM events WHERE venture_id = ?", (venture_id,)).fetchall()
    named = [str(stream).partition("-") for (stream,) in streams]
    return [(by_noun[noun], subject_id) for noun, _, subject_id in named if noun in by_noun]


def _archive_all(engine: Engine, db: apsw.Connection, venture_id: str, meta: Meta) -> None:
    """Put every process of the venture away, so that nothing goes on in its name."""
    for process, subject_id in _processes_of(engine, db, venture_id):
        state = engine.rehydrate(db, process, subject_id).state
        for desk in _archiving(engine, process):
            if state in desk.states:
                order = Order(process=process, desk=desk, command=desk.command(), subject_id=subject_id, meta=meta)
                engine.carry_out(db, order)


def _archiving(engine: Engine, process: Process) -> Iterator[Desk]:
    return (desk for desk in engine.desks[process] if desk.action == "archive")


def _redact(db: apsw.Connection, venture_id: str) -> None:
    sql = "SELECT position, data, texts FROM events WHERE venture_id = ? AND texts IS NOT NULL"
    rows = db.execute(sql, (venture_id,)).fetchall()
    key = db.execute("SELECT key FROM venture_keys WHERE venture_id = ?", (venture_id,)).fetchone()
    if not rows:
        return
    assert key is not None  # noqa: S101 - an event with texts was hashed with it
    commit = committing(bytes(key[0]))
    db.executemany(
        "UPDATE events SET data = ?, texts = NULL WHERE position = ?",
        [(redacted(str(data), str(texts), commit), position) for position, data, texts in rows],
    )


def _answers(db: apsw.Connection, venture_id: str) -> list[str]:
    return [str(key) for (key,) in db.execute(ANSWERS, (venture_id,))]


def _number(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0


# -- what is left to do afterwards


class Unerased(msgspec.Struct, frozen=True):
    """A venture that is forgotten, of which something may be left in free pages, logs and other files."""

    position: int
    """Of the fact that it is forgotten."""
    venture_id: str


def unerased(db: apsw.Connection) -> list[Unerased]:
    """Return the ventures of which something may be left, in the order in which they were forgotten."""
    sql = "SELECT position, venture_id FROM events WHERE type = ? AND position > ? ORDER BY position"
    return [Unerased(*row) for row in db.execute(sql, (STORED_NAME, checkpoint(db, ERASED)))]


def keep_erased(db: apsw.Connection, position: int) -> None:
    """Keep that nothing is left of the ventures that were forgotten up to *position*."""
    keep_checkpoint(db, ERASED, position)
