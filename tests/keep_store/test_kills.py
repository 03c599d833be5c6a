"""kill -9 in the middle of a backup, a restore, a rebuild and an import: nothing is lost, and nothing is half.

``HECATE_KILL_ROUNDS`` says how often each is killed (3), ``HECATE_KILL_SEED`` when.  With ``-s`` the figures are shown.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.daemon.data_directory import DataDirectory
from hecate.daemon.errors import CannotStart
from hecate.dossiers.engine import Engine
from hecate.keep_store.back_up import back_up
from hecate.keep_store.data_files import REPLACED
from hecate.keep_store.export_events import export_events
from hecate.keep_store.manifest import read_manifest
from hecate.keep_store.shadow_tables import leftovers
from hecate.keep_store.sound_copy import check_log
from hecate.keep_store.whole_or_nothing import UNFINISHED
from tests.dossiers.reading import folded_anew, rows_of
from tests.dossiers.shelf import DESKS, FILL_SHELF, SHELVES, TITLES, PutBook, carry_out, new_shelf, order
from tests.keep_store.at_work import FOLDING, READ_MODELS
from tests.keep_store.looking import EVENTS, change

ROUNDS = int(os.environ.get("HECATE_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("HECATE_KILL_SEED", "1"))
BOOKS = 4000

pytestmark = pytest.mark.timeout(60 + 60 * ROUNDS)


class Killer:
    """Kills a step at a random moment of the time that it took when it was let alone."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.seconds = 0.0
        self.killed = 0
        self._chance = random.Random(f"{SEED} {step}")

    def let_work(self, source: Path, target: Path) -> None:
        """Let it come to its end."""
        assert self._run(source, target, None) == "done"

    def kill(self, source: Path, target: Path) -> None:
        """Kill it, unless it is done before."""
        self.killed += self._run(source, target, self._chance.uniform(0, self.seconds)) != "done"

    def _run(self, source: Path, target: Path, seconds: float | None) -> str:
        words = [sys.executable, "-m", "tests.keep_store.at_work", self.step, str(source), str(target)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            began = time.monotonic()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            else:
                self.seconds = time.monotonic() - began
            return process.stdout.read().strip()

    def rounds(self) -> Iterator[int]:
        """Give numbers until it was killed often enough in the middle: that it never was would prove nothing."""
        for number in range(10 * ROUNDS):
            if self.killed == ROUNDS:
                print(f"\n{self.step}: killed {ROUNDS} times in {number} rounds of {self.seconds:.2f} s")  # noqa: T201
                return
            yield number
        raise AssertionError(f"{self.step} was killed {self.killed} times only")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data directory with some thousand events; nobody changes it."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    folder.mkdir(mode=0o700)
    with closing(Engine.open(folder / "hecate.db", DESKS, read_models=(SHELVES, TITLES))) as engine:
        carry_out(engine, order(FILL_SHELF, PutBook("many", copies=BOOKS), new_shelf(engine)))
    (folder / "providers.json").write_text("{}")
    return folder


@pytest.fixture
def data_dir(filled: Path, tmp_path: Path) -> Path:
    """Give a copy of it."""
    return Path(shutil.copytree(filled, tmp_path / "data"))


def events_in(data_dir: Path) -> list[tuple[object, ...]]:
    """Return the events, whatever a kill has left beside them."""
    with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
        return db.execute(EVENTS).fetchall()


def test_a_backup(data_dir: Path, tmp_path: Path) -> None:
    """It is there whole or not at all, and the next one takes away what is left of it."""
    killer, events = Killer("backup"), events_in(data_dir)
    killer.let_work(data_dir, tmp_path / "first")
    for number in killer.rounds():
        target = tmp_path / f"copy-{number}"
        killer.kill(data_dir, target)
        if target.exists():
            assert read_manifest(target).head.position == len(events)
    killer.let_work(data_dir, tmp_path / "last")
    assert check_log(tmp_path / "last/hecate.db").position == len(events)
    assert not (tmp_path / UNFINISHED).exists()
    assert events_in(data_dir) == events


def test_a_restore(data_dir: Path, tmp_path: Path) -> None:
    """What is there is all old or all new, or no daemon starts; and the old is kept."""
    killer, new = Killer("restore"), events_in(data_dir)
    backup, _ = back_up(data_dir, tmp_path / "backup")
    with closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=(SHELVES, TITLES))) as engine:
        new_shelf(engine)
    old, copy = events_in(data_dir), tmp_path / "copy"
    shutil.copytree(data_dir, copy)
    killer.let_work(backup, copy)
    for _ in killer.rounds():
        shutil.rmtree(copy)
        shutil.copytree(data_dir, copy)
        killer.kill(backup, copy)
        try:
            DataDirectory.claim(copy).release()
        except CannotStart:
            pass
        else:
            assert events_in(copy) in (old, new)
        killer.let_work(backup, copy)
        assert events_in(copy) == new
        assert old in [events_in(kept) for kept in copy.glob(f"{REPLACED}*")]
        DataDirectory.claim(copy).release()


def test_a_rebuild(data_dir: Path, tmp_path: Path) -> None:
    """The old tables or the new ones are in use, each whole; the next rebuild leaves nothing of it."""
    killer, events = Killer("rebuild"), events_in(data_dir)
    killer.let_work(data_dir, tmp_path)
    for _ in killer.rounds():
        change(data_dir / "hecate.db", "UPDATE titles SET title = 'wrong'")
        killer.kill(data_dir, tmp_path)
        with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
            titles = {title for (title,) in db.execute("SELECT title FROM titles")}
            assert titles in ({"wrong"}, {"many"})
            assert db.execute("SELECT count(*) FROM titles").fetchall() == [(BOOKS,)]
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        Engine.open(data_dir / "hecate.db", DESKS, read_models=(SHELVES, TITLES)).close()
        killer.let_work(data_dir, tmp_path)
        with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
            assert rows_of(db, READ_MODELS) == folded_anew(db, FOLDING, READ_MODELS)
            assert leftovers(db) == []
    assert events_in(data_dir) == events


def test_an_import(data_dir: Path, tmp_path: Path) -> None:
    """What is there is the beginning of the log, with tables to match; the next import adds the rest."""
    killer, events, lines = Killer("import"), events_in(data_dir), tmp_path / "lines"
    with lines.open("wb") as file:
        export_events(data_dir, "ndjson", file.write)
    target = tmp_path / "into"
    target.mkdir()
    killer.let_work(lines, target)
    for _ in killer.rounds():
        shutil.rmtree(target)
        target.mkdir()
        killer.kill(lines, target)
        with closing(Engine.open(target / "hecate.db", DESKS, read_models=(SHELVES, TITLES))) as engine:
            head = engine.store.head
        there = events_in(target)
        assert there == events[:head]
        with closing(apsw.Connection(str(target / "hecate.db"))) as db:
            assert rows_of(db, READ_MODELS) == folded_anew(db, FOLDING, READ_MODELS)
        killer.let_work(lines, target)
        assert events_in(target) == events
