"""A damaged write-ahead log is told before SQLite reads what is left of it; one that a power cut has left is not."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.store_check import check_store, frames_read, open_untouched
from hecate.dossiers.write_ahead_log import FRAME_HEADER_BYTES, HEADER_BYTES, LostCommits, WriteAheadLog, keeping_index

COMMITS = 30
FRAME = FRAME_HEADER_BYTES + 4096


@pytest.fixture
def killed(path: Path, store: EventStore, tmp_path: Path) -> Path:
    """Give a store as a kill leaves it: with a log of some commits, and the log's index."""
    for number in range(COMMITS):
        events = [NewEvent("thing_happened_v1", f'{{"number":{number}}}')]
        store.writer.submit_from_thread(lambda db, given=events: store.append(db, "thing-1", given)).result()  # type: ignore[misc]
    folder = tmp_path / "killed"
    folder.mkdir()
    for ending in ("", "-wal", "-shm"):
        shutil.copy(f"{path}{ending}", folder)
    return folder / path.name


def lost(database: Path) -> LostCommits | None:
    """Return what is lost of the log."""
    log = WriteAheadLog(database)
    with closing(open_untouched(database)) as db:
        return log.lost(frames_read(db))


def log_of(database: Path) -> Path:
    """Return the place of the log."""
    return database.with_name(f"{database.name}-wal")


def flip(database: Path, at: int) -> None:
    """Change one byte of the log."""
    content = bytearray(log_of(database).read_bytes())
    content[at] ^= 0x10
    log_of(database).write_bytes(content)


def without_index(database: Path) -> None:
    """Take the log's index away, as another machine or a power cut does."""
    database.with_name(f"{database.name}-shm").unlink()


def test_a_sound_log_is_sound(killed: Path) -> None:
    """With its index and without."""
    assert lost(killed) is None
    assert WriteAheadLog(killed).first_wrong_frame() is None
    without_index(killed)
    assert lost(killed) is None
    check_store(killed)


@pytest.mark.parametrize("frame", [1, 5, COMMITS])
@pytest.mark.parametrize("within", [0, 9, 17, 24, 2000, FRAME - 1])
@pytest.mark.parametrize("has_index", [True, False])
def test_a_flipped_byte_is_told_and_located(killed: Path, frame: int, within: int, *, has_index: bool) -> None:
    """Wherever it is in the frame: its header, its checksum, its page."""
    at = HEADER_BYTES + (frame - 1) * FRAME + within
    flip(killed, at)
    if not has_index:
        without_index(killed)
    found = lost(killed)
    assert found is not None
    assert found.at_byte == HEADER_BYTES + (frame - 1) * FRAME
    assert found.commits > 1
    with pytest.raises(Unavailable, match=f"write-ahead log of .* is damaged at byte {found.at_byte}"):
        check_store(killed)


@pytest.mark.parametrize("at", [0, 3, 8, 17, 25, 31])
def test_a_flipped_byte_of_the_header_is_told(killed: Path, at: int) -> None:
    """SQLite would take the whole log for none."""
    flip(killed, at)
    assert lost(killed) is not None or at == 8, "a page size of another length hides the frames"


@pytest.mark.parametrize("bytes_less", [1, 100, FRAME, 3 * FRAME, 3 * FRAME + 50])
def test_a_log_that_was_cut_is_told_while_its_index_is_there(killed: Path, bytes_less: int) -> None:
    """Nothing else knows how long it was."""
    whole = log_of(killed).read_bytes()
    log_of(killed).write_bytes(whole[:-bytes_less])
    assert lost(killed) == LostCommits(len(whole) - bytes_less, 1, was_cut=True)


@pytest.mark.parametrize("left", [0, 20])
def test_a_log_of_which_nothing_is_left_is_told_while_its_index_is_there(killed: Path, left: int) -> None:
    """Unless all of it was copied into the database before."""
    log_of(killed).write_bytes(log_of(killed).read_bytes()[:left])
    for _ in range(2):
        with pytest.raises(Unavailable, match=f"write-ahead log of .* ends too early at byte {left}"):
            check_store(killed)
    assert lost(killed) == LostCommits(left, 1, was_cut=True)


def test_a_log_that_was_copied_may_go(path: Path, store: EventStore, tmp_path: Path) -> None:
    """Its index may stay."""
    store.writer.submit_from_thread(
        lambda db: store.append(db, "thing-1", [NewEvent("thing_happened_v1", "{}")])
    ).result()
    store._writing.wal_checkpoint()
    for ending in ("", "-shm"):
        shutil.copy(f"{path}{ending}", tmp_path / f"copy.db{ending}")
    check_store(tmp_path / "copy.db")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_look_does_not_hide_what_is_lost_from_the_next_one(killed: Path, damage: str) -> None:
    """A daemon that is refused is started again by its supervisor; the doctor may have come before."""
    if damage == "cut":
        log_of(killed).write_bytes(log_of(killed).read_bytes()[:-FRAME])
    else:
        flip(killed, log_of(killed).stat().st_size - 100)
    for _ in range(3):
        with pytest.raises(Unavailable, match="write-ahead log of"):
            check_store(killed)
        with keeping_index(killed), closing(open_untouched(killed)) as db:
            assert frames_read(db) > 0


def test_the_transaction_that_a_power_cut_interrupted_is_no_loss(killed: Path) -> None:
    """It was acknowledged to nobody: a half of the last frame is there, or one with another page."""
    without_index(killed)
    whole = log_of(killed).read_bytes()
    log_of(killed).write_bytes(whole[: -FRAME // 2])
    assert lost(killed) is None
    log_of(killed).write_bytes(whole[:-8] + bytes(8))
    assert lost(killed) is None
    check_store(killed)


def test_frames_of_an_earlier_use_of_the_log_are_none_of_its_own(path: Path, store: EventStore) -> None:
    """A log is written anew from its beginning once it was checkpointed."""
    for stream in ("one", "two"):
        for _ in range(10):
            store.writer.submit_from_thread(
                lambda db, to=stream: store.append(db, to, [NewEvent("thing_happened_v1", "{}")])  # type: ignore[misc]
            ).result()
        if stream == "one":
            with closing(open_untouched(path)) as db:
                assert frames_read(db) > 10
            store._writing.wal_checkpoint()
    with closing(open_untouched(path)) as db:
        read = frames_read(db)
    assert read * FRAME + HEADER_BYTES < log_of(path).stat().st_size
    assert WriteAheadLog(path).lost(read) is None


def test_without_a_log_nothing_is_lost(tmp_path: Path) -> None:
    """Nor with an empty one."""
    database = tmp_path / "none.db"
    assert WriteAheadLog(database).lost(0) is None
    log_of(database).touch()
    assert WriteAheadLog(database).lost(0) is None
