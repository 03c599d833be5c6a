"""What is looked at before a store is opened: a damaged one is refused, and left as it is."""

from __future__ import annotations

import os
import random
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS
from hecate.dossiers.store_check import TAIL_EVENTS, check_sqlite, check_store

PAGE_BYTES = 4096


def fill(path: Path, count: int = 300) -> None:
    """Make a store with so many events, all of them in the file itself."""
    with closing(EventStore.open(path)) as store:
        events = [NewEvent("book_put_v1", f'{{"title":"number {number}"}}') for number in range(count)]
        store.writer.submit_from_thread(lambda db: store.append(db, "filling-1", events)).result(10)


def beside(path: Path) -> dict[str, bytes]:
    """Return every file in the store's folder, byte for byte."""
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}


def is_refused(path: Path, why: str) -> None:
    """Check that the store at *path* is refused with a reason, and that nothing changes."""
    before = beside(path)
    for _ in range(2):
        with pytest.raises(Unavailable, match=why) as refusal:
            EventStore.open(path)
        assert str(path) in str(refusal.value)
        assert "left as it is" in str(refusal.value) or "left as it was" in str(refusal.value)
        assert beside(path) == before


def edit(path: Path, *statements: str) -> None:
    """Change the store as a person with another program would."""
    with closing(apsw.Connection(str(path))) as db:
        for statement in statements:
            db.execute(statement)
        db.pragma("wal_checkpoint", "TRUNCATE")


def test_a_sound_store_passes(path: Path) -> None:
    """Looking changes nothing, and leaves no file beside it."""
    fill(path)
    before = beside(path)
    check_store(path)
    assert beside(path) == before == {path.name: path.read_bytes()}


def test_no_store_and_an_empty_file_pass(path: Path) -> None:
    """They are where a store begins; the look alone makes no file."""
    check_store(path)
    assert not path.exists()
    path.touch()
    EventStore.open(path).close()
    assert path.stat().st_size > 0


def test_a_start_that_ended_before_its_first_table_may_go_on(path: Path) -> None:
    """A daemon killed at its very first start leaves a file without a table."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("journal_mode", "wal")
    EventStore.open(path).close()


def test_what_a_kill_left_in_the_log_is_part_of_the_store(path: Path) -> None:
    """Events that are in the write-ahead log only are looked at, and kept."""
    with closing(EventStore.open(path)) as store:
        events = [NewEvent("book_put_v1", "{}")] * 3
        store.writer.submit_from_thread(lambda db: store.append(db, "filling-1", events)).result(10)
        copy = path.with_name("copy.db")
        for suffix in ("", "-wal"):
            Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    with closing(EventStore.open(copy)) as store:
        assert store.head == 3


@pytest.mark.parametrize(
    "content",
    [b"not a database at all\n" * 400, b"x", b"SQLite format 3\x00", bytes(8192), b"SQLite format 3\x00" + bytes(8176)],
    ids=["text", "one byte", "a header's beginning", "zeros", "a header without a database"],
)
def test_garbage_is_refused(path: Path, content: bytes) -> None:
    """A file that is no database is nobody's store."""
    path.write_bytes(content)
    is_refused(path, "cannot be read|is not a store|is damaged")


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_another_programs_database_is_refused(path: Path, journal_mode: str) -> None:
    """A mistyped path must not end in somebody's music library."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("journal_mode", journal_mode)
        db.execute("CREATE TABLE songs (title)")
    is_refused(path, "is not a store of Hecate")


def test_a_newer_store_is_refused(path: Path) -> None:
    """After a downgrade the older daemon does not touch what it does not understand."""
    fill(path, 1)
    edit(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    is_refused(path, "newer Hecate")


def test_a_store_without_its_tables_is_refused(path: Path) -> None:
    """The header alone is no store."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("application_id", APPLICATION_ID)
        db.pragma("user_version", 1)
    is_refused(path, "no such table: events")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
def test_a_truncated_file_is_refused(path: Path, kept: float) -> None:
    """A copy that ended early, at a page's end or in the middle of one."""
    fill(path)
    whole = path.stat().st_size
    os.truncate(path, int(whole * kept) // PAGE_BYTES * PAGE_BYTES)
    is_refused(path, "ends at byte")
    os.truncate(path, path.stat().st_size - 100)
    is_refused(path, "ends at byte")


def test_a_damaged_structure_is_refused(path: Path) -> None:
    """A page that is no page any more."""
    fill(path)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // PAGE_BYTES // 2 * PAGE_BYTES)
        file.write(b"\xff" * 16)
    is_refused(path, "damaged|cannot be read")


@pytest.mark.parametrize("index", ["events_by_type", "sqlite_autoindex_events_1"])
def test_a_damaged_index_is_refused(path: Path, index: str) -> None:
    """Also where the newest events can all be read without it."""
    fill(path)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)).fetchone() or (0,)
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(b"\xff" * 16)
    is_refused(path, "damaged")


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_is_refused_or_harmless(path: Path, seed: int) -> None:
    """Wherever one bit flips: the store is refused with a reason, or it opens and its events are as they were.

    A bit in a free part of a page, or in a table that the check does not hash, changes no event.
    """
    fill(path)
    with closing(EventStore.open(path)) as store:
        before = store.read_from_thread(lambda db: store.events_after(db, 0, 1000)).result(10)
    chance = random.Random(seed)
    content = bytearray(path.read_bytes())
    content[chance.randrange(100, len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    unopened = beside(path)
    try:
        with closing(EventStore.open(path)) as store:
            assert store.read_from_thread(lambda db: store.events_after(db, 0, 1000)).result(10) == before
    except Unavailable:
        assert beside(path) == unopened


UNLOCK = "DROP TRIGGER events_never_change; DROP TRIGGER events_never_go"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("""UPDATE events SET data = '{"title":"other"}' WHERE position = 299""", "event 299 does not follow"),
        ("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 300", "event 300 does not follow"),
        ("DELETE FROM events WHERE position = 250", "event 251 does not follow"),
        ("DELETE FROM events WHERE position = 300", "event 300 is missing"),
        ("DELETE FROM events WHERE position > 200", "events 201 to 300 are missing"),
        ("DELETE FROM events", "events 1 to 300 are missing"),
        ("UPDATE events SET hash = x'00' WHERE position = 1", "event 1 does not follow"),
        ("UPDATE events SET data = CAST(x'ff22' AS TEXT) WHERE position = 280", "cannot be read|does not follow"),
    ],
)
def test_a_changed_or_missing_event_is_refused(path: Path, statement: str, why: str) -> None:
    """Whoever drops the triggers and edits the past is found out at the next start."""
    fill(path)
    edit(path, UNLOCK, statement)
    is_refused(path, why)


def test_an_event_long_ago_is_found_by_its_chain_only(path: Path) -> None:
    """A start looks at the newest events, so that it is quick; its chain begins in the middle."""
    fill(path, TAIL_EVENTS + 50)
    check_store(path)
    edit(path, UNLOCK, "UPDATE events SET data = '{}' WHERE position = 51")
    is_refused(path, "event 51 does not follow")


def test_a_folder_is_no_store(path: Path) -> None:
    """What cannot be opened at all is told, too."""
    path.mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        EventStore.open(path)


def test_a_store_that_may_not_be_read_is_refused(path: Path) -> None:
    """Somebody else's file, where the system minds."""
    if os.getuid() == 0:
        pytest.skip("root reads everything")
    fill(path)
    path.chmod(0)
    with pytest.raises(Unavailable, match="cannot be read"):
        EventStore.open(path)


def test_this_sqlite_loses_nothing() -> None:
    """The one that is installed is new enough."""
    check_sqlite()
