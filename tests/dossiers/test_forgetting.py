"""Forgetting a venture: nothing of its texts is left, and everything else is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from hecate import catalog
from hecate.dossiers import job_records
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Forgotten, HecateError, NotFound, Refused
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.forgetting import Going, forget, keep_erased, unerased, what_goes
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from hecate.dossiers.lifecycle import Pause, Start
from hecate.dossiers.process import VENTURE
from hecate.dossiers.read_model import Fact, Meta, ReadModel
from hecate.dossiers.texts import KEY_BYTES, VentureKeys
from tests.dossiers.conftest import OpenEngine
from tests.dossiers.reading import folded_anew, keys_in, rows_of
from tests.dossiers.shelf import FILL_SHELF, LEND_SHELF, READ_MODELS, PutBook, carry_out, content, new_shelf, order
from tests.dossiers.stored_events import stored_examples
from tests.keep_store.looking import change

CANARY = "canary-7f3a"
META = Meta(correlation_id="forget")


def forget_in(engine: Engine, venture_id: str) -> Going:
    """Forget a venture, and what its files may have left."""
    unit = engine.store.writer.submit_from_thread(lambda db: forget(engine, db, venture_id, META))
    gone = unit.result(10)
    engine.store.erase_traces()
    return gone


def log_of(engine: Engine) -> list[StoredEvent]:
    """Return all events."""
    return engine.store.read_from_thread(lambda db: EventStore.events_after(db, 0, 100_000)).result(10)


def broken_in(engine: Engine) -> int | None:
    """Return where the chain is broken, if it is."""
    keys = engine.store.read_from_thread(keys_in).result(10)
    return first_broken(GENESIS, log_of(engine), keys)


def asked(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    """Return what *sql* finds."""
    return engine.store.read_from_thread(lambda db: db.execute(sql).fetchall()).result(10)


def files_with(folder: Path, text: str) -> list[str]:
    """Return the files below *folder* that have *text* in them."""
    return [path.name for path in sorted(folder.rglob("*")) if path.is_file() and text.encode() in path.read_bytes()]


def shelf_with_a_canary(engine: Engine) -> str:
    """Return a shelf whose events, answers and read models have it."""
    shelf_id = new_shelf(engine)
    carry_out(
        engine,
        order(FILL_SHELF, PutBook(f"{CANARY} one", copies=2), shelf_id, "key-1"),
        order(FILL_SHELF, Pause(reason=f"{CANARY} two"), shelf_id, "key-2"),
    )
    return shelf_id


def test_nothing_is_left_of_its_texts(engine: Engine, tmp_path: Path) -> None:
    """Not in the store, not in its free pages, not in its log; before, it is there."""
    shelf_id = shelf_with_a_canary(engine)
    assert files_with(tmp_path, CANARY)
    assert forget_in(engine, shelf_id) == Going(events=4, jobs=0, answers=2)
    assert files_with(tmp_path, CANARY) == []
    assert asked(engine, "SELECT * FROM venture_keys") == []


def test_every_event_is_where_it_was_with_its_hash(engine: Engine) -> None:
    """Only the texts have changed; what was recorded at the end says so."""
    shelf_id = shelf_with_a_canary(engine)
    before = log_of(engine)
    forget_in(engine, shelf_id)
    after = log_of(engine)
    assert broken_in(engine) is None
    assert [event._replace(data="", texts=None) for event in after[: len(before)]] == [
        event._replace(data="", texts=None) for event in before
    ]
    assert [event.type for event in after[len(before) :]] == ["filling_archived_v1", "venture_forgotten_v1"]
    assert after[-1].data == '{"events":4}'
    assert {event.texts for event in after} == {None}


def test_what_had_one_name_still_has_one(engine: Engine) -> None:
    """So a dossier and the read models are folded as before: only the names are others."""
    shelf_id = shelf_with_a_canary(engine)
    before = asked(engine, "SELECT shelf_id, position, title FROM titles")
    forget_in(engine, shelf_id)
    after = asked(engine, "SELECT shelf_id, position, title FROM titles")
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert len({title for *_, title in after}) == len({title for *_, title in before}) == 1


def test_read_models_are_as_a_fold_has_them(engine: Engine) -> None:
    """Those of the venture, and those of the others, which nobody touched."""
    other = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), other))
    forget_in(engine, shelf_with_a_canary(engine))
    stored = engine.store.read_from_thread(lambda db: rows_of(db, engine.read_models)).result(10)
    folded = engine.store.read_from_thread(lambda db: folded_anew(db, engine.folding, engine.read_models)).result(10)
    assert stored == folded
    assert (other, "Emma") in [(shelf, title) for shelf, _, title in stored["titles"]]


def add_to_total(db: apsw.Connection, fact: Fact) -> None:
    """Keep all titles of all shelves in one row."""
    db.execute("UPDATE all_titles SET titles = titles || ?", (getattr(fact.event, "title", ""),))
    if db.changes() == 0:
        db.execute("INSERT INTO all_titles VALUES (?)", (getattr(fact.event, "title", ""),))


def test_a_read_model_that_mixes_ventures_is_folded_anew(open_engine: OpenEngine, tmp_path: Path) -> None:
    """No row of it is one venture's own."""
    mixed = ReadModel(
        name="all_titles",
        schema="CREATE TABLE all_titles (titles TEXT NOT NULL) STRICT;",
        projections={"book_put_v1": add_to_total},
    )
    engine = open_engine(read_models=(*READ_MODELS, mixed))
    other = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), other))
    forget_in(engine, shelf_with_a_canary(engine))
    ((titles,),) = asked(engine, "SELECT titles FROM all_titles")
    assert titles.startswith("Emma[forgotten ")
    assert files_with(tmp_path, CANARY) == []


def test_another_venture_stays_as_it_is(engine: Engine) -> None:
    """With its texts, its key and its commands."""
    forgotten, other = shelf_with_a_canary(engine), new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), other, "key-3"))
    before = [event for event in log_of(engine) if event.venture_id == other]
    forget_in(engine, forgotten)
    assert [event for event in log_of(engine) if event.venture_id == other] == before
    again, further = carry_out(
        engine, order(FILL_SHELF, PutBook("Emma"), other, "key-3"), order(FILL_SHELF, PutBook("Persuasion"), other)
    )
    assert (content(again)["events"][0]["data"]["title"], further.status) == ("Emma", 201)
    assert broken_in(engine) is None


@pytest.mark.parametrize("how", ["at once", "after a start"])
def test_it_takes_no_command_any_more(open_engine: OpenEngine, how: str) -> None:
    """Of whichever process, and also one in which nothing has happened yet."""
    engine = open_engine()
    shelf_id = shelf_with_a_canary(engine)
    forget_in(engine, shelf_id)
    if how == "after a start":
        engine.close()
        engine = open_engine()
    before = len(log_of(engine))
    for process, command in ((FILL_SHELF, PutBook("Emma")), (LEND_SHELF, Start())):
        with pytest.raises(Forgotten, match=f"venture '{shelf_id}' is forgotten"):
            carry_out(engine, order(process, command, shelf_id))
    with pytest.raises(Forgotten):
        forget_in(engine, shelf_id)
    assert len(log_of(engine)) == before


def test_a_kept_answer_says_that_it_is_forgotten(engine: Engine) -> None:
    """A key that comes back is not carried out again, and does not bring back the texts."""
    shelf_id = shelf_with_a_canary(engine)
    forget_in(engine, shelf_id)
    (again,) = carry_out(engine, order(FILL_SHELF, Pause(reason=f"{CANARY} two"), shelf_id, "key-2"))
    assert (again.status, content(again)["code"]) == (410, "forgotten")


def add_job(db: apsw.Connection, shelf_id: str) -> None:
    """Record a job of the shelf with a canary wherever one can be."""
    job_records.add(
        db,
        job_id="job-1",
        process="fill_shelf",
        desk="book",
        subject_id=shelf_id,
        venture_id=shelf_id,
        command=msgspec.json.encode({"title": CANARY}),
        events=[("book_put_v1", f'{{"title":"{CANARY}"}}')],
        meta=b"{}",
        created_at=1,
    )


def end_job(db: apsw.Connection) -> None:
    """End it with as many."""
    ending = job_records.JobEnd(
        "job-1",
        "failed",
        error=job_records.JobError(error=f"no {CANARY}", code="conflict", status=409),
        message=f"with {CANARY}",
        output=job_records.JobOutput(head=CANARY, tail=CANARY),
    )
    job_records.end(db, ending, 2, CANARY.encode())


def test_its_jobs_are_known_without_their_texts(engine: Engine, tmp_path: Path) -> None:
    """That there was one, and how it ended; while it is not over, nothing is forgotten."""
    shelf_id = shelf_with_a_canary(engine)
    submit = engine.store.writer.submit_from_thread
    submit(lambda db: add_job(db, shelf_id)).result(10)
    with pytest.raises(Refused, match="its job job-1 waits or runs"):
        forget_in(engine, shelf_id)
    assert asked(engine, "SELECT count(*) FROM venture_keys") == [(1,)]
    submit(end_job).result(10)
    assert forget_in(engine, shelf_id).jobs == 1
    record = engine.store.read_from_thread(lambda db: job_records.find(db, "job-1")).result(10)
    assert record is not None
    assert record.error is not None
    assert (record.state, record.error.code, record.error.error) == ("failed", "conflict", "[forgotten]")
    assert files_with(tmp_path, CANARY) == []


def test_what_is_in_the_chain_itself_cannot_be_forgotten(engine: Engine) -> None:
    """An event without commitments, as stores had them once: it is refused, and nothing is changed."""
    shelf_id = shelf_with_a_canary(engine)
    plain = NewEvent("book_put_v1", f'{{"book_id":"book-1","title":"{CANARY}"}}')
    unit = engine.store.writer.submit_from_thread(
        lambda db: engine.store.append(db, f"filling-{shelf_id}", [plain], venture_id=shelf_id)
    )
    unit.result(10)
    before = log_of(engine)
    with pytest.raises(Refused, match="1 of its events were recorded by a Hecate that had no keys"):
        forget_in(engine, shelf_id)
    assert log_of(engine) == before
    assert broken_in(engine) is None


def test_an_unknown_venture_is_not_found(engine: Engine) -> None:
    """The streams of no venture are none."""
    for unknown in ("v-none", ""):
        with pytest.raises(NotFound):
            forget_in(engine, unknown)


def test_what_would_go_is_told_and_stays(engine: Engine) -> None:
    """The same figures, and not a byte is another."""
    shelf_id = shelf_with_a_canary(engine)
    before = log_of(engine)
    would = engine.store.read_from_thread(lambda db: what_goes(db, engine.event_types, shelf_id)).result(10)
    assert log_of(engine) == before
    assert forget_in(engine, shelf_id) == would


def test_what_fails_half_way_is_undone(engine: Engine) -> None:
    """All of it, and the next command finds the venture as it was."""
    shelf_id = shelf_with_a_canary(engine)
    before = log_of(engine)

    def fail(db: apsw.Connection) -> None:
        forget(engine, db, shelf_id, META)
        raise Refused("at the last moment")

    with pytest.raises(HecateError, match="at the last moment"):
        engine.store.writer.submit_from_thread(fail).result(10)
    assert log_of(engine) == before
    carry_out(engine, order(LEND_SHELF, Start(), shelf_id))
    assert broken_in(engine) is None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET data = replace(data, '[forgotten ', '[forgotten  ') WHERE position = 3",
        "UPDATE events SET data = replace(data, substr(data, -10, 1), 'z') WHERE position = 3",
        "UPDATE events SET texts = 'title' WHERE position = 3",
        "UPDATE events SET hash = zeroblob(32) WHERE position = 3",
    ],
)
def test_a_change_of_a_forgotten_event_shows(engine: Engine, sql: str) -> None:
    """A commitment is in the hash as any other text is."""
    forget_in(engine, shelf_with_a_canary(engine))
    change(engine.store.path, sql)
    assert broken_in(engine) == 3


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE events SET data = replace(data, '{CANARY}', 'another') WHERE position = 3",
        "UPDATE events SET texts = NULL WHERE position = 3",
        "UPDATE events SET texts = 'book_id title' WHERE position = 3",
        "UPDATE events SET texts = 'copy' WHERE position = 3",
    ],
)
def test_a_change_of_a_text_shows(engine: Engine, sql: str) -> None:
    """As long as the venture has its key, each text is proved by its commitment."""
    shelf_with_a_canary(engine)
    change(engine.store.path, sql)
    assert broken_in(engine) == 3


def test_without_its_key_a_text_proves_nothing(engine: Engine) -> None:
    """A store whose keys are gone, or others, is damaged."""
    shelf_with_a_canary(engine)
    events = log_of(engine)
    assert first_broken(GENESIS, events, VentureKeys()) == 1
    other = VentureKeys()
    other.take(events[0].venture_id, bytes(KEY_BYTES))
    assert first_broken(GENESIS, events, other) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET data = '{}'",
        "UPDATE events SET texts = NULL, hash = zeroblob(32)",
        "UPDATE events SET texts = NULL, meta = 'other'",
        "UPDATE events SET data = '{}' WHERE texts IS NULL",
        "UPDATE events SET texts = 'title'",
    ],
)
def test_the_store_lets_nothing_else_change(engine: Engine, sql: str) -> None:
    """Its triggers know what forgetting does, and no more."""
    shelf_with_a_canary(engine)
    with pytest.raises(apsw.ConstraintError, match="events never change"):
        engine.store.writer.submit_from_thread(lambda db: db.execute(sql)).result(10)


def test_what_is_left_to_erase_is_known_until_it_is_done(engine: Engine) -> None:
    """Also after a kill: it follows from the events and a checkpoint."""
    shelf_id = shelf_with_a_canary(engine)
    assert asked_of(engine) == []
    forget_in(engine, shelf_id)
    ((position, venture_id),) = asked_of(engine)
    assert (position, venture_id) == (engine.store.head, shelf_id)
    engine.store.writer.submit_from_thread(lambda db: keep_erased(db, position)).result(10)
    assert asked_of(engine) == []


def asked_of(engine: Engine) -> list[tuple[int, str]]:
    """Return what is left to erase."""
    left = engine.store.read_from_thread(unerased).result(10)
    return [(one.position, one.venture_id) for one in left]


def test_traces_are_erased_while_commands_come(engine: Engine) -> None:
    """They wait for it, and none is lost."""
    shelf_id = new_shelf(engine)
    submit = engine.store.writer.submit_from_thread
    orders = [order(FILL_SHELF, PutBook(f"book {number}"), shelf_id) for number in range(200)]
    waiting = [submit(lambda db, at=given: engine.carry_out(db, at)) for given in orders]  # type: ignore[misc]
    for _ in range(3):
        engine.store.erase_traces()
    assert [done.result(10).status for done in waiting] == [201] * 200
    assert broken_in(engine) is None


# -- every event that there is


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Engine]:
    """Give an engine with all that the daemon has."""
    found = catalog.find()
    options = {"read_models": found.read_models, "upcasters": found.upcasters}
    with closing(Engine.open(tmp_path / "hecate.db", found.desks, **options)) as engine:
        yield engine


def with_canaries(value: Any, paths: tuple[str, ...], path: str = "") -> Any:
    """Return *value* with a canary in every text, so that equal texts stay equal."""
    if isinstance(value, dict):
        return {name: with_canaries(inner, paths, f"{path}.{name}" if path else name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_canaries(inner, paths, path) for inner in value]
    return f"{CANARY} {value}" if isinstance(value, str) and path in paths else value


def record_every_event(engine: Engine, venture_id: str, division_id: str) -> int:
    """Let one event of every kind happen, with a canary in each of its texts; return how many had some."""
    examples = {example.type: example.data for example in stored_examples()}
    made = {"venture_forgotten_v1"}
    with_texts = 0
    first = ["venture_setup_v1", "division_discovered_v1"]
    for name in [*first, *(name for name in examples if name not in first)]:
        texts = tuple(engine.event_types.texts_of(name).split())
        for process in engine.desks:
            data = with_canaries({**examples[name], "division_id": division_id}, texts)
            event = engine.event_types.decode(name, msgspec.json.encode(data).decode())
            try:
                engine.event_types.name_of(process, event)
            except KeyError:
                continue
            if name in made or engine.event_types.name_of(process, event) != name:
                continue
            made.add(name)
            with_texts += bool(texts)
            subject_id = venture_id if process.subject is VENTURE else division_id
            new = [NewEvent(name, engine.event_types.encode(event), "", " ".join(texts))]
            stream = process.stream_of(subject_id)
            engine.store.writer.submit_from_thread(
                lambda db, at=stream, events=new: engine.store.append(db, at, events, venture_id=venture_id)  # type: ignore[misc]
            ).result(10)
    assert made == set(engine.event_types.names)
    return with_texts


def test_every_kind_of_event_is_forgotten(whole: Engine, tmp_path: Path) -> None:
    """One of each with a canary in every text: all read models have them before, and nothing has them afterwards."""
    with_texts = record_every_event(whole, "v-1", "div-1")
    # An application that runs is in the way, so that the last that happened to it is its end.
    end = NewEvent("application_stopped_v1", '{"application_id":"app-1","reason":""}')
    submit = whole.store.writer.submit_from_thread
    submit(lambda db: whole.store.append(db, "deployment-div-1", [end], venture_id="v-1")).result(10)
    submit(fold_all_anew(whole)).result(10)
    tables = whole.store.read_from_thread(lambda db: rows_of(db, whole.read_models)).result(10)
    told = {table for table, rows in tables.items() if CANARY in repr(rows)}
    assert {"ventures", "divisions", "division_progress", "incidents", "releases"} <= told
    gone = forget_in(whole, "v-1")
    assert gone.events == with_texts > 30
    assert files_with(tmp_path, CANARY) == []
    assert broken_in(whole) is None
    stored = whole.store.read_from_thread(lambda db: rows_of(db, whole.read_models)).result(10)
    folded = whole.store.read_from_thread(lambda db: folded_anew(db, whole.folding, whole.read_models)).result(10)
    assert stored == folded
    assert {table: len(rows) for table, rows in stored.items()} == {table: len(rows) for table, rows in tables.items()}


def fold_all_anew(engine: Engine) -> Any:
    """Return a unit that folds every read model: these events came without projections."""

    def fold(db: apsw.Connection) -> None:
        db.execute("UPDATE read_models SET fingerprint = ''")
        engine.folding.bring_up_to_date(db, engine.read_models)

    return fold
