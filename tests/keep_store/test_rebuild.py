"""A rebuild: tables as the events have them, under writers too, and no trace of how they came about."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from hecate.dossiers import processes
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound, Refused, Unavailable
from hecate.dossiers.event_types import EventTypes
from hecate.dossiers.fold import Folding
from hecate.dossiers.read_model import Fact
from hecate.keep_store.rebuild import EVENTS_A_TURN, rebuild
from hecate.keep_store.shadow_tables import ROWS_A_TURN
from tests.dossiers.reading import Tables, folded_anew, rows_of
from tests.dossiers.shelf import (
    DESKS,
    FILL_SHELF,
    READ_MODELS,
    TITLES,
    PutBook,
    carry_out,
    new_shelf,
    order,
)
from tests.keep_store.looking import change, rows

ALL = (processes.READ_MODEL, *READ_MODELS)
FOLDING = Folding(tuple(DESKS), EventTypes(DESKS.items()))
DAMAGE = "UPDATE titles SET title = 'wrong' WHERE title = 'book 3'"
SCHEMA = "SELECT name FROM sqlite_schema WHERE name LIKE '%~%' AND type = 'table'"


def tables(data_dir: Path) -> tuple[Tables, Tables]:
    """Return the tables as they are, and as a fold has them."""
    with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
        return rows_of(db, ALL), folded_anew(db, FOLDING, ALL)


def test_damaged_tables_are_as_the_events_have_them_again(data_dir: Path) -> None:
    """Rows that were changed, are missing or too many; what the events are stays as it is."""
    events = rows(data_dir / "hecate.db")
    for damage in (DAMAGE, "DELETE FROM processes", "INSERT INTO shelves VALUES ('none')"):
        change(data_dir / "hecate.db", damage)
    live, folded = tables(data_dir)
    assert live != folded
    done = rebuild(data_dir, FOLDING, ALL)
    live, folded = tables(data_dir)
    assert live == folded
    assert set(done.read_models) == {model.name for model in ALL}
    assert done.events >= len(events)
    assert rows(data_dir / "hecate.db") == events
    assert rows(data_dir / "hecate.db", SCHEMA) == []


def test_one_is_folded_with_what_it_reads(data_dir: Path) -> None:
    """The counts read the titles; the shelves are left alone."""
    change(data_dir / "hecate.db", DAMAGE)
    change(data_dir / "hecate.db", "INSERT INTO shelves VALUES ('none')")
    assert set(rebuild(data_dir, FOLDING, ALL, ["title_counts"]).read_models) == {"title_counts", "titles"}
    live, folded = tables(data_dir)
    assert live["titles"] == folded["titles"]
    assert live["shelves"] != folded["shelves"]


def test_tables_of_more_rows_than_a_turn_takes_are_whole(data_dir: Path) -> None:
    """Not one row is missing between two turns."""
    with closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        carry_out(engine, order(FILL_SHELF, PutBook("many", copies=2 * ROWS_A_TURN + 10), new_shelf(engine)))
    rebuild(data_dir, FOLDING, ALL)
    live, folded = tables(data_dir)
    assert live == folded
    assert len(live["titles"]) > 2 * ROWS_A_TURN


@pytest.mark.parametrize("times", [1, 2, 3])
def test_indexes_are_there_again_and_never_in_the_way(data_dir: Path, times: int) -> None:
    """However often: a start with another schema can make them under their own names."""
    for _ in range(times):
        rebuild(data_dir, FOLDING, ALL)
    indexes = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'titles'"
    ((sql,),) = rows(data_dir / "hecate.db", indexes)
    assert 'ON "titles" (shelf_id)' in sql
    changed = replace(TITLES, version=2)
    models = tuple(changed if model is TITLES else model for model in READ_MODELS)
    Engine.open(data_dir / "hecate.db", DESKS, read_models=models).close()


def test_what_happens_meanwhile_is_not_missed(data_dir: Path) -> None:
    """At each step, once more than fits into one turn, and a writer beside it all the time."""
    stop = threading.Event()
    with closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        shelf_id = new_shelf(engine)

        def write() -> None:
            for number in range(500):
                if stop.is_set():
                    return
                carry_out(engine, order(FILL_SHELF, PutBook(f"new {number}"), shelf_id))

        def write_much(step: str) -> None:
            copies = 3 * EVENTS_A_TURN if step.startswith("copying") and "titles" in step else 3
            carry_out(engine, order(FILL_SHELF, PutBook(step, copies=copies), shelf_id))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            rebuild(data_dir, FOLDING, ALL, tell=write_much)
        finally:
            stop.set()
            writer.join()
        carry_out(engine, order(FILL_SHELF, PutBook("after"), shelf_id))
        live, folded = tables(data_dir)
    assert live == folded
    assert len(live["titles"]) > 3 * EVENTS_A_TURN


def test_what_a_kill_has_left_goes(data_dir: Path) -> None:
    """Of either kind."""
    with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
        db.execute('CREATE TABLE "titles~new" (a); CREATE TABLE "titles~old" (a PRIMARY KEY) WITHOUT ROWID')
        db.execute('INSERT INTO "titles~old" VALUES (1)')
    rebuild(data_dir, FOLDING, ALL)
    assert rows(data_dir / "hecate.db", SCHEMA) == []


def test_a_failing_fold_leaves_the_tables(data_dir: Path) -> None:
    """As they are."""
    before, _ = tables(data_dir)

    def fail(db: apsw.Connection, _fact: Fact) -> None:
        db.execute("INSERT INTO nowhere VALUES (1)")

    broken = replace(TITLES, projections={"book_put_v1": fail})
    with pytest.raises(Unavailable, match="nowhere"):
        rebuild(data_dir, FOLDING, [broken])
    assert tables(data_dir)[0] == before


def test_a_read_model_that_is_not_there_is_told(data_dir: Path, tmp_path: Path) -> None:
    """With those that are; and so is a directory without a store."""
    with pytest.raises(NotFound, match="title_counts"):
        rebuild(data_dir, FOLDING, ALL, ["tilte_counts"])
    with pytest.raises(NotFound, match="no store"):
        rebuild(tmp_path, FOLDING, ALL)


def test_tables_of_another_version_are_left_to_the_daemon(data_dir: Path) -> None:
    """The daemon that serves them may be the old one."""
    newer = tuple(replace(model, version=2) if model is TITLES else model for model in ALL)
    with pytest.raises(Refused, match="titles"):
        rebuild(data_dir, FOLDING, newer)
