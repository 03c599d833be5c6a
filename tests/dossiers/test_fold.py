"""Folding: read models made anew from the events are what they were, and what they should be now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from hecate.dossiers import processes
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Unavailable
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.event_types import Upcaster
from hecate.dossiers.fold import tables_of
from hecate.dossiers.lifecycle import Archive, Complete, Pause, Resume, Start
from hecate.dossiers.read_model import ANY, Fact, ReadModel
from tests.dossiers.conftest import OpenEngine
from tests.dossiers.reading import Tables, folded_anew, rows_of
from tests.dossiers.shelf import (
    FILL_SHELF,
    LEND_SHELF,
    READ_MODELS,
    SHELVES,
    TITLE_COUNTS,
    TITLES,
    BookPut,
    PutBook,
    carry_out,
    new_shelf,
    order,
)


def live(engine: Engine) -> Tables:
    """Return the rows as they are."""
    return engine.store.read_from_thread(lambda db: rows_of(db, engine.read_models)).result(10)


def anew(engine: Engine) -> Tables:
    """Return the rows as a fold of all events makes them."""
    return engine.store.read_from_thread(lambda db: folded_anew(db, engine.folding, engine.read_models)).result(10)


def fill(engine: Engine) -> str:
    """Do a little of everything on two shelves, and return the first."""
    shelf_id, other = new_shelf(engine), new_shelf(engine)
    carry_out(
        engine,
        order(FILL_SHELF, PutBook("Emma", copies=3), shelf_id),
        order(FILL_SHELF, PutBook("Persuasion"), other),
        order(FILL_SHELF, Pause(reason="rain"), shelf_id),
        order(LEND_SHELF, Start(), shelf_id),
        order(FILL_SHELF, Resume(), shelf_id),
        order(LEND_SHELF, Complete(), shelf_id),
        order(FILL_SHELF, PutBook("Emma", copies=4), shelf_id),
        order(LEND_SHELF, Start(), shelf_id),
        order(FILL_SHELF, Archive(), other),
    )
    return shelf_id


def test_folded_anew_is_what_it_was(engine: Engine) -> None:
    """Every row of every read model, those that read others included."""
    fill(engine)
    rows = live(engine)
    assert rows == anew(engine)
    assert [len(rows[table]) for table in ("shelves", "titles", "title_counts", "processes")] == [2, 5, 5, 5]
    assert [count for _, _, count in sorted(rows["title_counts"], key=itemgetter(1))] == [1, 2, 3, 1, 4]


def test_a_fold_in_many_reads_is_the_same(engine: Engine) -> None:
    """A log that is longer than one read of it."""
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma", copies=2100), shelf_id))
    assert live(engine) == anew(engine)
    assert len(live(engine)["titles"]) == 2100


def refolded(open_engine: OpenEngine, **options: Any) -> list[str]:
    """Open the store again and return which read models were folded anew."""
    with capture_logs() as logs:
        open_engine(**options)
    return [name for entry in logs if entry["event"] == "read models folded anew" for name in entry["read_models"]]


def test_nothing_is_folded_while_nothing_has_changed(open_engine: OpenEngine) -> None:
    """A start costs nothing more, however many events there are."""
    engine = open_engine()
    fill(engine)
    engine.close()
    assert refolded(open_engine) == []


@pytest.mark.parametrize(
    ("changed", "folded"),
    [
        (replace(TITLES, version=2), ["titles"]),
        (replace(TITLE_COUNTS, version=2), ["title_counts", "titles"]),
        (replace(SHELVES, schema=SHELVES.schema.replace("TEXT", "ANY")), ["shelves"]),
    ],
)
def test_a_changed_read_model_is_folded_with_what_it_reads(
    open_engine: OpenEngine, changed: ReadModel, folded: list[str]
) -> None:
    """A schema or a version that is another one is enough; what it reads must be as it was at each event."""
    engine = open_engine()
    fill(engine)
    engine.close()
    read_models = [changed if model.name == changed.name else model for model in READ_MODELS]
    assert refolded(open_engine, read_models=read_models) == folded
    engine = open_engine(read_models=read_models)
    assert live(engine) == anew(engine)
    assert refolded(open_engine, read_models=read_models) == []


def test_a_new_read_model_knows_the_past(open_engine: OpenEngine) -> None:
    """It is folded from the first event on."""
    engine = open_engine(read_models=[SHELVES])
    fill(engine)
    engine.close()
    engine = open_engine()
    assert len(live(engine)["titles"]) == 5
    assert live(engine) == anew(engine)


def test_what_a_removed_read_model_kept_is_dropped(open_engine: OpenEngine) -> None:
    """All its tables go, and nobody else's; it may come back later."""
    second = "CREATE TABLE titles_seen (title TEXT PRIMARY KEY) STRICT;"
    titles = replace(TITLES, schema=TITLES.schema + second)
    engine = open_engine(read_models=[SHELVES, titles])
    shelf_id = fill(engine)
    assert tables_of(titles) == ["titles", "titles_seen"]
    engine.close()

    engine = open_engine(read_models=[SHELVES])
    tables = engine.store.read_from_thread(
        lambda db: {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    ).result(10)
    assert not tables & {"titles", "titles_seen", "titles_by_shelf"}
    assert {"shelves", "processes", "events"} <= tables
    carry_out(engine, order(FILL_SHELF, PutBook("Sanditon"), shelf_id))
    engine.close()
    assert len(live(open_engine(read_models=[SHELVES, titles]))["titles"]) == 6


def test_a_table_may_change_hands(open_engine: OpenEngine) -> None:
    """A read model under another name, with the table of one that is gone."""
    engine = open_engine(read_models=[SHELVES, TITLES])
    fill(engine)
    engine.close()
    assert len(live(open_engine(read_models=[SHELVES, replace(TITLES, name="book_titles")]))["titles"]) == 5


def test_a_fold_that_fails_leaves_the_store_as_it_was(open_engine: OpenEngine) -> None:
    """The daemon does not start, and the version before it still does, with all its rows."""
    engine = open_engine()
    fill(engine)
    rows = live(engine)
    engine.close()

    def stumble(_db: apsw.Connection, _fact: Fact) -> None:
        raise ZeroDivisionError("a bug in a projection")

    broken = replace(TITLES, version=2, projections={ANY: stumble})
    with pytest.raises(ZeroDivisionError):
        open_engine(read_models=[SHELVES, broken])
    assert refolded(open_engine) == []
    assert live(open_engine()) == rows


def old_books(store: EventStore, *kinds: str) -> None:
    """Store books under names of earlier versions."""
    events = [NewEvent(kind, '{"book_id":"book-1","title":"Emma"}') for kind in kinds]
    store.writer.submit_from_thread(lambda db: store.append(db, "filling-v-1", events)).result(10)


def test_an_event_of_an_earlier_version_is_seen_as_todays(open_engine: OpenEngine, store: EventStore) -> None:
    """Projections name today's event; what was stored under an older name reaches them as that."""
    seen: list[tuple[str, Any]] = []

    def see(_db: apsw.Connection, fact: Fact) -> None:
        seen.append((fact.type, fact.event))

    old_books(store, "book_placed_v1", "book_put_v1")
    store.close()
    model = ReadModel(name="seen", schema="CREATE TABLE seen (a INT) STRICT;", projections={"book_put_v1": see})
    upcaster = Upcaster("book_placed_v1", "book_put_v1", lambda old: {**old, "copy": 7})
    open_engine(read_models=[model], upcasters=[upcaster])
    assert seen == [
        ("book_put_v1", BookPut(book_id="book-1", title="Emma", copy=7)),
        ("book_put_v1", BookPut(book_id="book-1", title="Emma")),
    ]


def test_an_event_of_a_later_version_stops_the_fold(open_engine: OpenEngine, store: EventStore) -> None:
    """After a downgrade nothing is guessed: the start is refused with the event's name."""
    old_books(store, "book_put_v9")
    store.close()
    with pytest.raises(Unavailable, match="book_put_v9"):
        open_engine()


def test_streams_of_no_process_are_passed_over(open_engine: OpenEngine, store: EventStore) -> None:
    """Whatever else is in the log is nobody's business here."""
    events = [NewEvent("whatever_v1", "{}")]
    for stream in ("unknown-1", "unknown", ""):
        store.writer.submit_from_thread(lambda db, at=stream: store.append(db, at, events)).result(10)  # type: ignore[misc]
    store.close()
    engine = open_engine(read_models=())
    assert live(engine) == {"processes": []}


def test_the_tables_of_a_schema() -> None:
    """Tables only, whatever else the schema makes."""
    models: Sequence[ReadModel] = (processes.READ_MODEL, TITLES)
    assert [tables_of(model) for model in models] == [["processes"], ["titles"]]


def test_a_fold_looks_at_what_is_wanted_only(engine: Engine) -> None:
    """Besides the events that move a lifecycle; the result is the same as of a fold of all."""
    fill(engine)
    looked_at, rows = engine.store.read_from_thread(lambda db: folded_alone(db, engine, SHELVES)).result(10)
    total = engine.store.head
    assert 0 < looked_at < total
    assert rows == live(engine)["shelves"]


def folded_alone(db: apsw.Connection, engine: Engine, model: ReadModel) -> tuple[int, list[tuple[Any, ...]]]:
    """Fold *model* alone into a store of its own; return how many events were looked at, and its rows."""
    target = apsw.Connection(":memory:")
    target.execute(model.schema)
    return engine.folding.fold(db, target, (model,)), rows_of(target, (model,))[model.name]
