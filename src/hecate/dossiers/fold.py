"""Folding the whole log into read models: at a start after a change, and to check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import apsw
import msgspec
import structlog

from hecate.dossiers.dossier import Progress
from hecate.dossiers.hash_chain import StoredEvent
from hecate.dossiers.read_model import ANY, Fact, Meta, Projector, ReadModel, in_order

if TYPE_CHECKING:
    from hecate.dossiers.event_types import EventTypes
    from hecate.dossiers.process import Process

EVENTS_A_PAGE = 1000
LAST_POSITION = 2**63 - 1

log = structlog.get_logger(__name__)

_decode_meta = msgspec.json.Decoder(Meta).decode
_encode = msgspec.json.Encoder().encode
_decode_names = msgspec.json.Decoder(list[str]).decode


class Folding:
    """Everything that is needed to read the log again as facts."""

    def __init__(self, processes: Sequence[Process], event_types: EventTypes) -> None:
        self._processes = {process.noun: process for process in processes}
        self._event_types = event_types

    def fold(
        self,
        source: apsw.Connection,
        target: apsw.Connection,
        read_models: Sequence[ReadModel],
        *,
        after: int = 0,
        until: int = LAST_POSITION,
        venture_id: str = "",
        standing: dict[str, Progress] | None = None,
    ) -> int:
        """Project the events in *source* onto the tables in *target*; return how many were looked at.

        What none of *read_models* wants and what moves no process is passed over, and so are streams of no
        process, such as those of another program's tests.

        Args:
            source: Where the events are read.
            target: Where the read models' tables are.
            read_models: With all that they read.
            after: The position up to which *target* has seen the events.
            until: The last position to look at.
            venture_id: Only what is about this venture; empty: all.
            standing: Where each stream stood at *after*; it is moved on.
        """
        projector = Projector(read_models)
        types = self._types_for(read_models)
        standing = {} if standing is None else standing
        position, count = after, 0
        while events := self._events(source, position, until, types, venture_id):
            for stored in events:
                noun, _, subject_id = stored.stream.partition("-")
                process = self._processes.get(noun)
                if process is None:
                    continue
                event = self._event_types.decode(stored.type, stored.data)
                progress = standing.setdefault(stored.stream, Progress())
                process.lifecycle.evolve(progress, event, stored.recorded_at)
                fact = Fact(
                    stored.position,
                    stored.stream,
                    stored.version,
                    self._event_types.name_of(process, event),
                    event,
                    process,
                    subject_id,
                    stored.venture_id,
                    stored.recorded_at,
                    _decode_meta(stored.meta),
                    progress,
                )
                projector.project(target, fact)
                count += 1
            position = events[-1].position
        return count

    def _types_for(self, read_models: Sequence[ReadModel]) -> tuple[str, ...]:
        """Return the stored names that a fold into *read_models* must see; none for all."""
        wanted = {name for model in read_models for name in model.projections}
        if ANY in wanted:
            return ()
        wanted |= self._event_types.names_of_moving(self._processes.values())
        return tuple(sorted({stored for name in wanted for stored in self._event_types.versions_of(name)}))

    @staticmethod
    def _events(
        source: apsw.Connection, position: int, until: int, types: tuple[str, ...], venture_id: str
    ) -> list[StoredEvent]:
        # The plus has SQLite walk along the positions: by the index of types, each page would sort all that there is.
        chosen = f"AND +type IN ({', '.join('?' * len(types))})" if types else ""
        bindings: tuple[object, ...] = types
        if venture_id:
            chosen, bindings = f"{chosen} AND venture_id = ?", (*types, venture_id)
        sql = f"SELECT * FROM events WHERE position > ? AND position <= ? {chosen} ORDER BY position LIMIT ?"  # noqa: S608 - marks only
        return [StoredEvent(*row) for row in source.execute(sql, (position, until, *bindings, EVENTS_A_PAGE))]

    def bring_up_to_date(self, db: apsw.Connection, read_models: Sequence[ReadModel]) -> None:
        """Fold anew the read models whose schema or version is not the stored one, in one transaction."""
        known = {
            name: (fingerprint, tables)
            for name, fingerprint, tables in db.execute("SELECT name, fingerprint, tables FROM read_models")
        }
        wanted = {model.name: model for model in read_models}
        changed = {model.name for model in read_models if known.get(model.name, ("",))[0] != model.fingerprint}
        stale = with_what_they_read(changed, read_models)
        gone = set(known) - set(wanted)
        for name in gone | ({model.name for model in stale} & set(known)):
            for table in _decode_names(known[name][1]):
                db.execute(f'DROP TABLE IF EXISTS "{table}"')
            db.execute("DELETE FROM read_models WHERE name = ?", (name,))
        for model in stale:
            db.execute(model.schema)
            values = (model.name, model.fingerprint, _encode(tables_of(model)).decode())
            db.execute("INSERT INTO read_models VALUES (?, ?, ?)", values)
        if stale and (count := self.fold(db, db, stale)):
            log.info("read models folded anew", read_models=[model.name for model in stale], events=count)


def tables_of(model: ReadModel) -> list[str]:
    """Return the names of the tables that *model*'s schema makes."""
    scratch = apsw.Connection(":memory:")
    scratch.execute(model.schema)
    return [name for (name,) in scratch.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]


def with_what_they_read(names: set[str], read_models: Sequence[ReadModel]) -> list[ReadModel]:
    """Return those of *read_models* in *names*, and what they read: it must be as it was at each event."""
    wanted: set[str] = set()
    for model in reversed(in_order(read_models)):
        if model.name in names or model.name in wanted:
            wanted |= {model.name, *model.after}
    return [model for model in read_models if model.name in wanted]
