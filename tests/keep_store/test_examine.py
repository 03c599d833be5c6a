"""An examination: what is sound is called so, and what is wrong is told, located, and has a remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.dossiers.engine import Engine
from hecate.keep_store.data_files import UNFINISHED_RESTORE
from hecate.keep_store.examine_place import examine_place
from hecate.keep_store.examine_store import examine_store
from hecate.keep_store.findings import Finding
from hecate.keep_store.rebuild import rebuild
from tests.dossiers.shelf import DESKS, FILL_SHELF, READ_MODELS, PutBook, carry_out, new_shelf, order
from tests.keep_store.looking import change, flip, rows
from tests.keep_store.test_rebuild import ALL, FOLDING

PAGE = 4096


def examined(data_dir: Path) -> list[Finding]:
    """Return everything that is found."""
    return [*examine_place(data_dir), *examine_store(data_dir, FOLDING, ALL)]


def wrong(data_dir: Path) -> list[Finding]:
    """Return what is not well."""
    return [finding for finding in examined(data_dir) if finding.state != "ok"]


@pytest.fixture
def sound(data_dir: Path) -> Path:
    """Give a data directory in which all is well."""
    for path in data_dir.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return data_dir


def test_all_is_well(sound: Path) -> None:
    """Each thing that was looked at is named; nothing has been changed."""
    before = {path: path.stat().st_mtime_ns for path in sound.rglob("*")}
    assert wrong(sound) == []
    checks = {finding.check for finding in examined(sound)}
    assert checks >= {"data directory", "permissions", "disk", "structure of hecate.db", "structure of usage.db"}
    assert checks >= {"write-ahead log", "version", "hash chain", "read models"}
    assert {path: path.stat().st_mtime_ns for path in sound.rglob("*")} == before


def test_all_is_well_beside_a_daemon(sound: Path) -> None:
    """With its log, and what it holds open."""
    with closing(Engine.open(sound / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        new_shelf(engine)
        assert wrong(sound) == []


@pytest.mark.parametrize(
    ("damage", "check", "words"),
    [
        ("UPDATE events SET data = replace(data, 'book ', 'look ') WHERE position = 9", "hash chain", "event 9 "),
        ("UPDATE events SET recorded_at = 1 WHERE position = 9", "hash chain", "event 9 "),
        ("DELETE FROM events WHERE position = 9", "hash chain", "event 10 "),
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events)", "hash chain", "ends at event 41"),
        ("UPDATE titles SET title = 'wrong' WHERE position = 9", "read models", "titles differs from its events in 2"),
        ("DELETE FROM shelves", "read models", "shelves differs from its events in 1 "),
        (
            "UPDATE read_models SET fingerprint = 'x' WHERE name = 'titles'",
            "read models",
            "titles are not there, or of another",
        ),
    ],
)
def test_what_was_changed_is_told(sound: Path, damage: str, check: str, words: str) -> None:
    """Where it is, and what to do."""
    change(sound / "hecate.db", damage)
    (found,) = wrong(sound)
    assert (found.check, words in found.found, bool(found.remedy)) == (check, True, True), found


def test_the_read_models_that_are_named_can_be_rebuilt(sound: Path) -> None:
    """And then all is well."""
    change(sound / "hecate.db", "DELETE FROM titles WHERE title LIKE '%3%'")
    names = [name for finding in wrong(sound) for name in finding.read_models]
    assert names == ["titles"]
    rebuild(sound, FOLDING, ALL, names)
    assert wrong(sound) == []


def test_a_table_that_is_gone_is_told_and_made_again(sound: Path) -> None:
    """With its rows."""
    change(sound / "hecate.db", "ALTER TABLE titles RENAME TO lost; INSERT INTO lost SELECT * FROM lost LIMIT 1")
    assert [finding.read_models for finding in wrong(sound)] == [("titles",)]


@pytest.mark.parametrize("kept", [0, 50, 1000, PAGE, 3 * PAGE + 100, -PAGE, -1])
def test_a_database_that_was_cut_is_told(sound: Path, kept: int) -> None:
    """Wherever."""
    store = sound / "hecate.db"
    whole = store.read_bytes()
    store.write_bytes(whole[:kept])
    assert any(finding.state == "problem" and finding.remedy for finding in wrong(sound))


def test_every_flipped_byte_that_matters_is_told(sound: Path) -> None:
    """A byte of each page of the store in turn; those that are not told are in no row of an event or read model."""
    store = sound / "hecate.db"
    whole = store.read_bytes()
    events, tables = rows(store), [rows(store, f"SELECT * FROM {model.name} ORDER BY 1, 2") for model in ALL[:1]]
    told = 0
    for at in range(PAGE // 2, len(whole), PAGE // 3):
        flip(store, at)
        if wrong(sound):
            told += 1
        else:
            assert rows(store) == events, at
            assert [rows(store, f"SELECT * FROM {model.name} ORDER BY 1, 2") for model in ALL[:1]] == tables, at
        store.write_bytes(whole)
    assert told > 10


def test_a_flipped_byte_of_another_database_is_told(sound: Path) -> None:
    """By its file."""
    flip(sound / "usage.db", 5)
    (found,) = wrong(sound)
    assert found.check == "structure of usage.db"


def change_a_byte(log: Path) -> None:
    """Change one in the first frame."""
    flip(log, 32 + 24 + 9)


def cut(log: Path) -> None:
    """Take the last bytes away."""
    log.write_bytes(log.read_bytes()[:-9])


@pytest.mark.parametrize("damage", [None, change_a_byte, cut])
def test_a_damaged_write_ahead_log_is_told(
    sound: Path, tmp_path: Path, damage: Callable[[Path], object] | None
) -> None:
    """With the byte where it begins to be wrong; what a kill leaves is sound."""
    killed = tmp_path / "killed"
    with closing(Engine.open(sound / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        for _ in range(3):
            new_shelf(engine)
        shutil.copytree(sound, killed)
    if damage is None:
        assert wrong(killed) == []
        return
    damage(killed / "hecate.db-wal")
    (found,) = (finding for finding in examined(killed) if finding.check == "write-ahead log")
    assert (found.state, "at byte" in found.found) == ("problem", True)


def test_a_kill_in_the_middle_of_a_checkpoint_is_no_damage(sound: Path, tmp_path: Path) -> None:
    """The first page is written before the last: until all are, these are in the log alone."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with closing(Engine.open(sound / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        carry_out(engine, order(FILL_SHELF, PutBook("many", copies=500), new_shelf(engine)))
        shutil.copytree(sound, killed)
        shutil.copytree(sound, whole)
    with closing(apsw.Connection(str(whole / "hecate.db"))) as db:
        assert db.pragma("journal_mode") == "wal"  # only who has read the file knows that it has a log
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert (whole / "hecate.db").stat().st_size > (killed / "hecate.db").stat().st_size
    with (killed / "hecate.db").open("r+b") as store:
        store.write((whole / "hecate.db").read_bytes()[:PAGE])
    assert wrong(killed) == []


def test_modes_and_leftovers_are_told(sound: Path) -> None:
    """What others may read or write, and what an interrupted restore has left."""
    sound.chmod(0o755)
    (sound / "providers.json").chmod(0o644)
    (found,) = wrong(sound)
    assert (found.check, "providers.json" in found.found, "chmod" in found.remedy) == ("permissions", True, True)
    sound.chmod(0o777)
    assert {finding.check for finding in wrong(sound)} == {"permissions", "data directory"}
    sound.chmod(0o700)
    (sound / UNFINISHED_RESTORE).touch(0o600)
    assert [finding.check for finding in wrong(sound)] == ["restore"]
