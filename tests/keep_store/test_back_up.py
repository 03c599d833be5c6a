"""A backup: all that was recorded, sound, and for its owner alone."""

from __future__ import annotations

import stat
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest

from hecate.daemon.data_directory import DataDirectory
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import HecateError, Invalid, NotFound, Refused, Unavailable
from hecate.dossiers.hash_chain import StoredEvent
from hecate.keep_store.back_up import back_up
from hecate.keep_store.manifest import FILE_NAME, read_manifest
from hecate.keep_store.sound_copy import check_log
from hecate.keep_store.unpack import check_content, unpacked
from hecate.keep_store.whole_or_nothing import UNFINISHED, workshop
from tests.dossiers.shelf import DESKS, FILL_SHELF, READ_MODELS, PutBook, carry_out, new_shelf, order
from tests.keep_store.conftest import BOOKS
from tests.keep_store.looking import change, flip, rows, tree


def test_all_that_was_recorded_is_in_it(data_dir: Path, tmp_path: Path) -> None:
    """The store, the other databases and what features keep beside them; what can be had elsewhere is named."""
    place, manifest = back_up(data_dir, tmp_path / "copy")
    assert set(tree(place)) == {"hecate.db", "usage.db", "providers.json", "mesh/identity.key", FILE_NAME}
    assert rows(place / "hecate.db") == rows(data_dir / "hecate.db")
    assert rows(place / "usage.db", "SELECT * FROM calls") == [(1,)]
    assert manifest.head.position == BOOKS + 2
    assert manifest.head.hash == StoredEvent(*rows(data_dir / "hecate.db")[-1]).hash.hex()
    assert manifest.left_out == ("workspaces",)
    assert read_manifest(place) == manifest


def test_it_is_for_its_owner_alone(data_dir: Path, tmp_path: Path) -> None:
    """It holds keys."""
    (data_dir / "providers.json").chmod(0o644)
    folder, _ = back_up(data_dir, tmp_path / "copy")
    packed, _ = back_up(data_dir, tmp_path / "copy.tar")
    for path in (folder, packed, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("name", ["copy.tar", "copy.tar.gz"])
def test_it_may_be_one_file(data_dir: Path, tmp_path: Path, name: str) -> None:
    """Which holds the same as the folder."""
    packed, manifest = back_up(data_dir, tmp_path / name)
    with unpacked(packed, tmp_path / "room") as found:
        assert found.manifest == manifest
        check_content(found)
    assert not (tmp_path / "room").exists()


def test_each_backup_in_a_folder_has_a_folder_of_its_own(data_dir: Path, tmp_path: Path) -> None:
    """Named by the time, so that one line of a timer makes all of them."""
    shelf = tmp_path / "backups"
    shelf.mkdir()
    place, manifest = back_up(data_dir, shelf)
    assert place == shelf / f"hecate-{manifest.made_at.replace(':', '-')}"
    assert list(shelf.iterdir()) == [place]


def test_a_backup_under_writers_is_one_state(data_dir: Path, tmp_path: Path) -> None:
    """Whatever is written meanwhile: the log ends at a commit, and the read models are of that moment."""
    stop = threading.Event()
    with ExitStack() as stack:
        stack.callback(DataDirectory.claim(data_dir).release)
        engine = stack.enter_context(closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)))
        shelf_id = new_shelf(engine)

        def write() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                carry_out(engine, order(FILL_SHELF, PutBook(f"new {number}"), shelf_id))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            heads = [back_up(data_dir, tmp_path / f"copy-{number}")[1].head.position for number in range(5)]
        finally:
            stop.set()
            writer.join()
    assert heads == sorted(set(heads)), "nothing was written between the backups: that proves nothing"
    for number, head in enumerate(heads):
        store = tmp_path / f"copy-{number}/hecate.db"
        assert check_log(store).position == head
        titles = rows(store, "SELECT count(*) FROM titles")
        assert titles == rows(store, "SELECT count(*) FROM events WHERE type = 'book_put_v1'")


def test_nothing_is_overwritten(data_dir: Path, tmp_path: Path) -> None:
    """Neither a backup nor a file; and a backup is not put where the data is."""
    place, _ = back_up(data_dir, tmp_path / "copy")
    before = tree(tmp_path)
    for target in (place, place / FILE_NAME, data_dir / "copy"):
        with pytest.raises(Refused):
            back_up(data_dir, target)
    assert tree(tmp_path) == before


def test_two_at_once_do_not_meet(data_dir: Path, tmp_path: Path) -> None:
    """The second says so."""
    with workshop(tmp_path / "copy"), pytest.raises(Refused, match="another process"):
        back_up(data_dir, tmp_path / "copy")


def test_what_a_kill_has_left_is_taken_away(data_dir: Path, tmp_path: Path) -> None:
    """The next backup does it, and leaves nothing of its own."""
    left = tmp_path / UNFINISHED / "backup"
    left.mkdir(parents=True)
    (left / "hecate.db").write_text("half")
    back_up(data_dir, tmp_path / "copy")
    assert not (tmp_path / UNFINISHED).exists()


def test_where_there_is_no_store_there_is_no_backup(tmp_path: Path) -> None:
    """And no folder either."""
    with pytest.raises(NotFound):
        back_up(tmp_path / "nowhere", tmp_path / "copy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET data = replace(data, 'book ', 'look ') WHERE position = 9",
        "DELETE FROM events WHERE position = 9",
        "UPDATE events SET position = 1000 WHERE position = (SELECT max(position) FROM events)",
    ],
)
def test_a_damaged_store_gives_no_backup(data_dir: Path, tmp_path: Path, damage: str) -> None:
    """It says which event is the first wrong one."""
    change(data_dir / "hecate.db", damage)
    with pytest.raises(Unavailable, match=r"event \d+ does not follow"):
        back_up(data_dir, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == [data_dir]


@pytest.mark.parametrize("part", ["hecate.db", "usage.db", "providers.json", FILE_NAME])
def test_a_flipped_byte_of_a_backup_is_told(data_dir: Path, tmp_path: Path, part: str) -> None:
    """With the file's name, wherever the byte is."""
    place, _ = back_up(data_dir, tmp_path / "copy")
    flip(place / part, (place / part).stat().st_size // 2)
    with pytest.raises(HecateError, match=part):
        read_manifest(place)


def test_a_manifest_that_names_another_head_is_told(data_dir: Path, tmp_path: Path) -> None:
    """The store's own end is compared with it."""
    place, manifest = back_up(data_dir, tmp_path / "copy")
    head = msgspec.structs.replace(manifest.head, position=manifest.head.position + 1)
    wrong = msgspec.structs.replace(manifest, head=head)
    (place / FILE_NAME).write_bytes(msgspec.json.encode(wrong))
    with unpacked(place, tmp_path / "room") as found, pytest.raises(Unavailable, match="manifest"):
        check_content(found)


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil"])
def test_a_manifest_names_no_place_outside(data_dir: Path, tmp_path: Path, path: str) -> None:
    """A backup may come from elsewhere."""
    place, manifest = back_up(data_dir, tmp_path / "copy")
    files = (msgspec.structs.replace(manifest.files[0], path=path),)
    (place / FILE_NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, files=files)))
    with pytest.raises(Invalid, match="no place in a data directory"):
        read_manifest(place)
