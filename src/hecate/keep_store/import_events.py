"""Reads events from lines into a store: each at its position, in its stream, at its time, with its hash.

They go into an empty store, or into one that already has the first of them: an import that was interrupted goes on
where it ended.  The read models follow: they are folded from the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, cast

import apsw
import msgspec

from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.hash_chain import GENESIS, follows
from hecate.dossiers.texts import KEY_BYTES, VentureKeys
from hecate.keep_store.event_lines import LineOfEvent, event_of

EVENTS_A_TRANSACTION: Final = 1000


class Imported(msgspec.Struct, frozen=True):
    """What an import has done."""

    events: int
    """How many are new."""
    were_there: int
    """How many the store had already."""
    hash: str
    """Of the newest event, in hexadecimal."""


def import_events(store: EventStore, lines: Iterable[bytes]) -> Imported:
    """Append the events in *lines* that *store* does not have; nobody else writes to it.

    Raises:
        Invalid: A line is no event, does not follow from the one before it, or is not what its hash says; those
            before it are kept.
        Refused: The store has other events.
        Unavailable: The disk refuses.
    """
    there, position, newest = store.head, 0, GENESIS
    events = _chained(lines)
    for event, _ in islice(events, there):
        position, newest = event.position, event.hash
    # Each hash follows from all that was before: one comparison is one of everything.
    if position < there or newest != store.read_from_thread(_newest_hash).result():
        raise Refused(f"the store has {there} events, and these are others or fewer: nothing was imported")
    new = 0
    while some := list(islice(events, EVENTS_A_TRANSACTION)):
        store.writer.submit_from_thread(lambda db, given=some: _append(store, db, given)).result()  # type: ignore[misc]
        new += len(some)
        newest = some[-1].event.hash
    return Imported(new, there, newest.hex())


def _chained(lines: Iterable[bytes]) -> Iterator[LineOfEvent]:
    """Give the events in *lines* as long as they are a whole log from its beginning on.

    Raises:
        Invalid: One is not the next, or is not what its hash says.
    """
    position, previous, keys = 0, GENESIS, VentureKeys()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        event, key = found = event_of(line, number)
        if event.position != position + 1:
            raise Invalid(f"line {number} has event {event.position}, and event {position + 1} comes next")
        if event.texts is not None:
            if len(key) != KEY_BYTES:
                raise Invalid(f"line {number} has no key of its venture, which `hecate export` writes")
            keys.take(event.venture_id, key)
        if not follows(previous, event, keys):
            raise Invalid(f"line {number}: event {event.position} is not what its hash says")
        yield found
        position, previous = event.position, event.hash


def _newest_hash(db: apsw.Connection) -> bytes:
    row = db.execute("SELECT hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return GENESIS if row is None else cast("bytes", row[0])


def _append(store: EventStore, db: apsw.Connection, events: list[LineOfEvent]) -> None:
    """Append *events*, which follow from what *store* has, within a unit of its writer."""
    _forget_read_models(db)
    for event, key in events:
        version = store.version_of(db, event.stream)
        if version + 1 != event.version:
            raise Invalid(f"event {event.position} is at version {event.version} of {event.stream}, after {version}")
        if key:
            db.execute("INSERT INTO venture_keys VALUES (?, ?) ON CONFLICT DO NOTHING", (event.venture_id, key))
        new = NewEvent(event.type, event.data, event.event_id, event.texts or "")
        (appended,) = store.append_at(
            db,
            event.stream,
            version,
            [new],
            venture_id=event.venture_id,
            meta=event.meta,
            recorded_at=event.recorded_at,
        )
        if appended.position != event.position:
            raise Refused(f"event {event.position} came to position {appended.position}: another program is writing")


def _forget_read_models(db: apsw.Connection) -> None:
    """Drop every read model, so that whatever comes next, even a kill, the next start folds them all."""
    for name, tables in db.execute("SELECT name, tables FROM read_models").fetchall():
        for table in msgspec.json.decode(str(tables), type=list[str]):
            db.execute(f'DROP TABLE IF EXISTS "{table}"')
        db.execute("DELETE FROM read_models WHERE name = ?", (name,))


def lines_of(file: Path) -> Iterator[bytes]:
    """Give the lines of *file*.

    Raises:
        Invalid: It cannot be read.
    """
    try:
        with file.open("rb") as opened:
            yield from opened
    except OSError as exc:
        raise Invalid(f"cannot read {file}: {exc.strerror}") from exc
