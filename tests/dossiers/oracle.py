"""Judges a store by what was acknowledged: everything that is wrong with it, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec

from hecate import catalog
from hecate.dossiers import processes
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.event_types import EventTypes
from hecate.dossiers.fold import Folding
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from hecate.dossiers.texts import VentureKeys
from tests.dossiers.crash import Journal
from tests.dossiers.reading import folded_anew, keys_in, rows_of

FOUND = catalog.find()
PROCESSES = {process.name: process for process in FOUND.desks}
READ_MODELS = (processes.READ_MODEL, *FOUND.read_models)
FOLDING = Folding(tuple(FOUND.desks), EventTypes(FOUND.desks.items(), FOUND.upcasters))


def wrongs(database: Path, journal: Journal, *, others: Collection[str] = ()) -> list[str]:
    """Return what is wrong with the store at *database*, which may be open elsewhere.

    Args:
        database: The store's file.
        journal: What its writers sent and were told.
        others: Ventures of which somebody else wrote, too.
    """
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        db.execute("BEGIN")
        log = EventStore.events_after(db, 0, 10_000_000)
        return [
            *_in_the_log(log, keys_in(db)),
            *_with_the_acknowledged(log, journal, others),
            *_with_the_read_models(db),
        ]


def _in_the_log(log: list[StoredEvent], keys: VentureKeys) -> Iterator[str]:
    if [event.position for event in log] != list(range(1, len(log) + 1)):
        yield "positions have a gap"
    versions: dict[str, int] = {}
    for event in log:
        versions[event.stream] = versions.get(event.stream, 0) + 1
        if event.version != versions[event.stream]:
            yield f"{event.stream} has a gap at version {versions[event.stream]}"
    broken = first_broken(GENESIS, log, keys)
    if broken is not None:
        yield f"the chain is broken at {broken}"


def _with_the_acknowledged(log: list[StoredEvent], journal: Journal, others: Collection[str]) -> Iterator[str]:
    stored = {(event.stream, event.version): (event.type, msgspec.json.decode(event.data)) for event in log}
    events = 0
    for command in journal.acknowledged:
        answer = command.answered
        process = PROCESSES[answer["process"]]
        stream = process.stream_of(answer[process.subject.parameter])
        first = answer["version"] - len(answer["events"]) + 1
        for version, event in enumerate(answer["events"], start=first):
            events += 1
            if stored.get((stream, version)) != (event["type"], event["data"]):
                yield f"acknowledged and not there: {event['type']} at {version} of {stream}, for {command.key}"
    counted = sum(event.venture_id not in others for event in log)
    if not events <= counted <= events + len(journal.open):
        yield f"{counted} events for {events} acknowledged ones and {len(journal.open)} open commands"


def _with_the_read_models(db: apsw.Connection) -> Iterator[str]:
    live: dict[str, Any] = rows_of(db, READ_MODELS)
    try:
        folded = folded_anew(db, FOLDING, READ_MODELS)
    except apsw.ConstraintError as error:
        yield f"the events cannot be folded: {error}"
        return
    for table, rows in folded.items():
        if rows != live[table]:
            yield f"the read model {table} is not the fold of the events"
