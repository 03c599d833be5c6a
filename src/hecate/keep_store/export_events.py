"""Writes every event of a store as a line, while a daemon serves it, and checks the hash chain as it goes.

Of a damaged store it writes what comes before the damage, and says where that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import msgspec

from hecate.dossiers.errors import NotFound
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, follows
from hecate.dossiers.texts import VentureKeys
from hecate.dossiers.write_ahead_log import keeping_index
from hecate.keep_store.data_files import EVENTS
from hecate.keep_store.event_lines import LINES, Form
from hecate.keep_store.sound_copy import LogEnd

BUSY_MILLISECONDS = 5000


class Exported(msgspec.Struct, frozen=True):
    """What an export has written."""

    events: int
    head: LogEnd
    """The last event that was written, or that was looked at where a venture was chosen."""
    damage: str
    """Why there is no more, where the store is damaged; empty: these are all."""


def export_events(
    data_dir: Path, form: Form, write: Callable[[bytes], object], *, after: int = 0, venture_id: str = ""
) -> Exported:
    """Hand each event to *write*, as a line in *form*.

    Args:
        data_dir: Its daemon may run, or not.
        form: Which form the lines have.
        write: Takes a line with its end.
        after: The position that whoever reads it has already.
        venture_id: Only what is about this venture, which cannot be imported again; empty: everything.

    Raises:
        NotFound: There is no store.
    """
    path = data_dir / EVENTS
    if not path.is_file():
        raise NotFound(f"there is no store in {data_dir}; --data-dir says where the daemon keeps its data")
    line_of, count, end, damage = LINES[form], 0, LogEnd(0, GENESIS.hex()), ""
    with keeping_index(path), closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        db.set_busy_timeout(BUSY_MILLISECONDS)
        keys = VentureKeys(db)
        try:
            for event in sound_events(db):
                end = LogEnd(event.position, event.hash.hex())
                if event.position > after and venture_id in {"", event.venture_id}:
                    write(line_of(event, keys.key_of(event)))
                    count += 1
        except (apsw.Error, UnicodeDecodeError) as exc:
            damage = f"event {end.position + 1} cannot be read: {exc}"
        except BrokenChain:
            damage = f"event {end.position + 1} does not follow from the one before it"
    return Exported(count, end, damage)


class BrokenChain(Exception):
    """The next event is not the one that was recorded."""


def sound_events(db: apsw.Connection) -> Iterator[StoredEvent]:
    """Give the events of one state of the store, as long as each follows from the one before it.

    Raises:
        BrokenChain: The next one does not.
    """
    db.execute("BEGIN")
    position, previous, keys = 0, GENESIS, VentureKeys(db)
    for row in db.execute("SELECT * FROM events ORDER BY position"):
        event = StoredEvent(*row)
        if event.position != position + 1 or not follows(previous, event, keys):
            raise BrokenChain
        yield event
        position, previous = event.position, event.hash
