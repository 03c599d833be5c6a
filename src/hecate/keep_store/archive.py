"""Writes what is recorded of finished ventures into a file for each, whose every line proves itself.

A line has the hash before it too, so that whoever has the file can follow each event from its place in the chain.
Nothing is taken out of the log: docs/adr/0014 says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO, Final

import apsw
import msgspec

from hecate.dossiers.errors import Invalid, NotFound, Unavailable
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, follows
from hecate.dossiers.texts import VentureKeys
from hecate.keep_store.data_files import EVENTS
from hecate.keep_store.event_lines import EventLine, LineOfEvent, event_of, native_line
from hecate.keep_store.export_events import BrokenChain, sound_events
from hecate.keep_store.whole_or_nothing import new_file, put_in_place, workshop

BUSY_MILLISECONDS: Final = 5000
GOING_ON: Final = "('active', 'paused')"

_encode = msgspec.json.Encoder().encode


class ArchivedLine(EventLine, frozen=True, kw_only=True):
    """An event in an archive's file."""

    previous: str
    """The hash of the event before it, of whichever venture."""


class Archivable(msgspec.Struct, frozen=True):
    """A venture that is archived, or of which nothing goes on."""

    venture_id: str
    name: str
    is_archived: bool
    events: int


def archivable(data_dir: Path) -> list[Archivable]:
    """Return the ventures that are archived, and those that are finished: discovery is completed, and nothing goes on.

    Raises:
        NotFound: There is no store.
        Unavailable: It cannot be read.
    """
    sql = f"""
        WITH of_venture AS (
            SELECT ventures.id AS venture_id, processes.process, processes.state FROM ventures
            JOIN processes ON processes.subject_id = ventures.id
                OR processes.subject_id IN (SELECT id FROM divisions WHERE divisions.venture_id = ventures.id)
        )
        SELECT id, name, state = 'archived', (SELECT count(*) FROM events WHERE events.venture_id = ventures.id)
        FROM ventures
        WHERE state = 'archived' OR (
            EXISTS (SELECT 1 FROM of_venture WHERE venture_id = id
                    AND process = 'discover_divisions' AND of_venture.state IN ('completed', 'archived'))
            AND NOT EXISTS (SELECT 1 FROM of_venture WHERE venture_id = id AND of_venture.state IN {GOING_ON})
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.venture_id = ventures.id AND finished_at IS NULL)
        )
        ORDER BY id
    """  # noqa: S608 - nothing in it comes from outside
    try:
        with closing(_opened(data_dir)) as db:
            return [
                Archivable(str(venture_id), str(name), bool(is_archived), int(str(events)))
                for venture_id, name, is_archived, events in db.execute(sql)
            ]
    except apsw.Error as exc:
        raise Unavailable(f"the ventures cannot be read: {exc}; `hecate doctor` says more") from exc


def file_of(folder: Path, venture_id: str) -> Path:
    """Return the place of *venture_id*'s file in the archive *folder*."""
    return folder / f"{venture_id}.ndjson"


def write_archive(data_dir: Path, venture_ids: Sequence[str], folder: Path) -> Mapping[str, int]:
    """Write a file for each of *venture_ids* into *folder*, and return how many events each has.

    Each was read again before it got its name.

    Raises:
        NotFound: There is no store.
        Refused: A file is there already.
        Unavailable: The store is damaged, or the disk refuses.
    """
    with workshop(folder / "archive") as room:
        with closing(_opened(data_dir)) as db, ExitStack() as stack:
            files = {name: stack.enter_context(new_file(file_of(room, name))) for name in venture_ids}
            written = _written(db, files)
        for venture_id, events in written.items():
            if check_archive(file_of(room, venture_id)) != events:
                raise Unavailable(f"the file of venture {venture_id} is not what was written")
        for venture_id in venture_ids:
            put_in_place(file_of(room, venture_id), file_of(folder, venture_id))
    return written


def _written(db: apsw.Connection, files: Mapping[str, BinaryIO]) -> dict[str, int]:
    counts = dict.fromkeys(files, 0)
    previous, keys = GENESIS, VentureKeys(db)
    try:
        for event in sound_events(db):
            file = files.get(event.venture_id)
            if file is not None:
                file.write(_line(event, keys.key_of(event), previous))
                counts[event.venture_id] += 1
            previous = event.hash
    except (apsw.Error, UnicodeDecodeError, BrokenChain) as exc:
        raise Unavailable("the log is damaged; `hecate doctor` says where") from exc
    return counts


def check_archive(file: Path) -> int:
    """Check every line of *file* against its own hash, and return how many there are.

    Raises:
        Invalid: One is not what it was.
    """
    count, versions, keys = 0, dict[str, int](), VentureKeys()
    with file.open("rb") as opened:
        for count, line in enumerate(opened, 1):
            (event, key), previous = _of_line(line, count)
            if key:
                keys.take(event.venture_id, key)
            expected = versions.get(event.stream, 0) + 1
            if not follows(previous, event, keys) or event.version != expected:
                raise Invalid(f"line {count} of {file} is not what was recorded")
            versions[event.stream] = expected
    return count


def _line(event: StoredEvent, key: bytes, previous: bytes) -> bytes:
    # What the daemon's own form has, and one field more at the end.
    return native_line(event, key).removesuffix(b"}\n") + b',"previous":' + _encode(previous.hex()) + b"}\n"


def _of_line(line: bytes, number: int) -> tuple[LineOfEvent, bytes]:
    found = event_of(line, number)
    try:
        return found, bytes.fromhex(msgspec.json.decode(line, type=ArchivedLine).previous)
    except (msgspec.MsgspecError, ValueError) as exc:
        raise Invalid(f"line {number} is not of an archive: {exc}") from exc


def _opened(data_dir: Path) -> apsw.Connection:
    path = data_dir / EVENTS
    if not path.is_file():
        raise NotFound(f"there is no store in {data_dir}; --data-dir says where the daemon keeps its data")
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(BUSY_MILLISECONDS)
    return db
