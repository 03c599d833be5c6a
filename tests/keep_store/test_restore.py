"""A restore: what was backed up is there again, what was there is kept, and nothing is half."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from hecate.daemon.data_directory import DataDirectory
from hecate.daemon.errors import CannotStart
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import HecateError, Invalid, Refused, Unavailable
from hecate.keep_store.back_up import back_up
from hecate.keep_store.data_files import REPLACED, UNFINISHED_RESTORE
from hecate.keep_store.manifest import FILE_NAME
from hecate.keep_store.restore import restore
from tests.dossiers.shelf import DESKS, READ_MODELS, new_shelf
from tests.keep_store.looking import flip, rows, tree


@pytest.fixture
def backup(data_dir: Path, tmp_path: Path) -> Path:
    """Give a backup of the data directory."""
    return back_up(data_dir, tmp_path / "copy")[0]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Give an empty data directory."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_into_an_empty_directory(backup: Path, data_dir: Path, empty: Path) -> None:
    """All of it is there again, for its owner alone, and a daemon's engine takes it."""
    done = restore(backup, empty, force=False)
    assert done.replaced is None
    expected = tree(backup)
    del expected[FILE_NAME]
    assert tree(empty) == expected
    assert {stat.S_IMODE(path.stat().st_mode) for path in empty.rglob("*") if path.is_file()} == {0o600}
    with closing(Engine.open(empty / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        new_shelf(engine)
    assert len(rows(empty / "hecate.db")) == len(rows(data_dir / "hecate.db")) + 2


def test_from_one_file(data_dir: Path, tmp_path: Path, empty: Path) -> None:
    """As from a folder."""
    packed, _ = back_up(data_dir, tmp_path / "copy.tar.gz")
    restore(packed, empty, force=False)
    assert rows(empty / "hecate.db") == rows(data_dir / "hecate.db")


def test_nothing_is_overwritten_unless_it_is_said(backup: Path, data_dir: Path) -> None:
    """The refusal names what is there."""
    before = tree(data_dir)
    with pytest.raises(Refused, match=r"hecate\.db.*--force"):
        restore(backup, data_dir, force=False)
    assert tree(data_dir) == before


def test_what_was_there_is_moved_aside(backup: Path, data_dir: Path) -> None:
    """With its write-ahead logs; what no backup has stays where it is."""
    with closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        new_shelf(engine)
        before = tree(data_dir)  # as a kill would leave it: the log is not empty
        done = restore(backup, data_dir, force=True)
    assert before["hecate.db-wal"]
    assert done.replaced is not None
    kept = tree(done.replaced)
    assert kept["hecate.db-wal"] == before["hecate.db-wal"]
    assert kept["hecate.db"] == before["hecate.db"]
    assert (data_dir / "workspaces/big").exists()
    assert rows(data_dir / "hecate.db") == rows(backup / "hecate.db")
    assert not (data_dir / "hecate.db-wal").exists()


@pytest.mark.parametrize("part", ["hecate.db", "usage.db", "mesh/identity.key", FILE_NAME])
def test_a_damaged_backup_changes_nothing(backup: Path, data_dir: Path, part: str) -> None:
    """It is looked at before anything is moved."""
    before = tree(data_dir)
    flip(backup / part, (backup / part).stat().st_size // 2)
    with pytest.raises(HecateError):
        restore(backup, data_dir, force=True)
    assert tree(data_dir) == before


def test_a_truncated_file_is_told(data_dir: Path, tmp_path: Path, empty: Path) -> None:
    """What is after the last file may be gone: each file has a checksum of its own."""
    packed, _ = back_up(data_dir, tmp_path / "copy.tar.gz")
    whole = packed.read_bytes()
    for kept in (0, 100, len(whole) // 2, len(whole) * 9 // 10):
        packed.write_bytes(whole[:kept])
        with pytest.raises((Invalid, Unavailable)):
            restore(packed, empty, force=False)
        assert tree(empty) == {}


def test_what_is_no_backup_is_told(empty: Path, tmp_path: Path) -> None:
    """A folder of something else, and a manifest of a later time."""
    (tmp_path / "other").mkdir()
    with pytest.raises(Invalid, match="no backup"):
        restore(tmp_path / "other", empty, force=False)


def test_a_backup_of_a_newer_hecate_is_refused(backup: Path, empty: Path) -> None:
    """In another format, or with a schema that this code does not know."""
    manifest = msgspec.json.decode((backup / FILE_NAME).read_bytes())
    for changed in ({"format": 2}, {"schema": 99}):
        (backup / FILE_NAME).write_bytes(msgspec.json.encode(manifest | changed))
        with pytest.raises(Invalid):
            restore(backup, empty, force=False)
        assert tree(empty) == {}


def test_an_interrupted_restore_keeps_every_daemon_away(backup: Path, data_dir: Path) -> None:
    """Until it is called again, without --force; then what was there first is still kept."""
    before = tree(data_dir)
    aside = data_dir / f"{REPLACED}then"
    (data_dir / UNFINISHED_RESTORE).write_text(f"{aside.name}\n")
    aside.mkdir()
    (data_dir / "hecate.db").rename(aside / "hecate.db")
    (data_dir / "hecate.db").write_bytes((backup / "hecate.db").read_bytes())
    with pytest.raises(CannotStart, match="restore"):
        DataDirectory.claim(data_dir)
    done = restore(backup, data_dir, force=False)
    assert done.replaced == aside
    assert tree(aside)["hecate.db"] == before["hecate.db"]
    assert tree(aside)["providers.json"] == before["providers.json"]
    assert rows(data_dir / "hecate.db") == rows(backup / "hecate.db")
    DataDirectory.claim(data_dir).release()
