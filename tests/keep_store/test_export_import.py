"""An export and its import: the same events, at the same places, with the same hashes, and nothing less is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Invalid, NotFound, Refused
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.keep_store.event_lines import Form
from hecate.keep_store.export_events import Exported, export_events
from hecate.keep_store.import_events import EVENTS_A_TRANSACTION, import_events, lines_of
from tests.dossiers.shelf import DESKS, FILL_SHELF, READ_MODELS, PutBook, carry_out, new_shelf, order
from tests.keep_store.looking import change, rows
from tests.keep_store.test_rebuild import tables

FORMS: tuple[Form, ...] = ("ndjson", "cloudevents")


def exported(data_dir: Path, form: Form = "ndjson") -> list[bytes]:
    """Return the lines of an export."""
    lines: list[bytes] = []
    export_events(data_dir, form, lines.append)
    return lines


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[EventStore]:
    """Give an empty store in ``empty``."""
    (tmp_path / "empty").mkdir()
    with closing(EventStore.open(tmp_path / "empty/hecate.db")) as store:
        yield store


@pytest.mark.parametrize("form", FORMS)
def test_there_and_back(data_dir: Path, empty: EventStore, form: Form) -> None:
    """Every column is what it was, the read models are folded, and commands go on from there."""
    with closing(Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        odd = 'quotes " and \\ and ünïcödé \u2028 😀'
        carry_out(engine, order(FILL_SHELF, PutBook(odd, copies=2 * EVENTS_A_TRANSACTION), new_shelf(engine)))
    lines = exported(data_dir, form)
    done = import_events(empty, lines)
    assert (done.events, done.were_there) == (len(lines), 0)
    empty.close()
    assert rows(empty.path) == rows(data_dir / "hecate.db")
    with closing(Engine.open(empty.path, DESKS, read_models=READ_MODELS)) as engine:
        new_shelf(engine)
    live, folded = tables(empty.path.parent)
    assert live == folded
    assert len(live["titles"]) > 2 * EVENTS_A_TRANSACTION


def test_cloud_events_are_cloud_events(data_dir: Path) -> None:
    """The required attributes are there; no name of an extension has more than lower-case letters and digits."""
    for line in exported(data_dir, "cloudevents"):
        event = json.loads(line)
        assert event["specversion"] == "1.0"
        assert all((event["id"], event["source"], event["type"], event["time"]))
        assert all(name.isalnum() and name.islower() for name in event)
        assert all(isinstance(value, str | int) for name, value in event.items() if name != "data")


def test_an_import_goes_on_where_it_ended(data_dir: Path, empty: EventStore) -> None:
    """Whatever it had; twice the whole adds nothing."""
    lines = exported(data_dir)
    assert import_events(empty, lines[:7]).events == 7
    assert import_events(empty, lines).were_there == 7
    again = import_events(empty, lines)
    assert (again.events, again.were_there, again.hash) == (0, len(lines), json.loads(lines[-1])["hash"])


def test_a_store_with_other_events_is_left_as_it_is(data_dir: Path, empty: EventStore) -> None:
    """Others, or more than are in the export."""
    lines = exported(data_dir)
    import_events(empty, lines)
    with pytest.raises(Refused):
        import_events(empty, lines[:-1])
    empty.writer.submit_from_thread(lambda db: empty.append(db, "own", [NewEvent("thing_happened_v1", "{}")])).result()
    head = empty.head
    with pytest.raises(Refused):
        import_events(empty, lines)
    assert empty.head == head


@pytest.mark.parametrize("field", ["position", "stream", "version", "type", "recorded_at", "event_id", "hash", "data"])
def test_a_line_that_was_changed_is_told(data_dir: Path, empty: EventStore, field: str) -> None:
    """By its number; those before it are kept, and nothing after."""
    lines = exported(data_dir)
    event, other = json.loads(lines[7]), json.loads(lines[8])
    event[field] = (
        {"book_id": "other"} if field == "data" else other[field] if event[field] != other[field] else "other"
    )
    lines[7] = json.dumps(event).encode() + b"\n"
    with pytest.raises(Invalid, match="line 8"):
        import_events(empty, lines)
    assert empty.head in {0, 7}


@pytest.mark.parametrize("wrong", [b"{}\n", b"not json\n", b"\xff\n", b'{"specversion": "1.0"}\n', b"[]\n"])
def test_what_is_no_event_is_told(data_dir: Path, empty: EventStore, wrong: bytes) -> None:
    """By its line."""
    with pytest.raises(Invalid, match="line 3 "):
        import_events(empty, [*exported(data_dir)[:2], wrong])


def test_a_missing_line_is_told(data_dir: Path, empty: EventStore) -> None:
    """And one that is there twice."""
    lines = exported(data_dir)
    with pytest.raises(Invalid, match="event 6 comes next"):
        import_events(empty, [*lines[:5], *lines[6:]])
    with pytest.raises(Invalid, match="event 6 comes next"):
        import_events(empty, [*lines[:5], *lines[4:]])


def test_a_damaged_store_gives_what_comes_before_the_damage(data_dir: Path, empty: EventStore) -> None:
    """Which can be imported: so much can be saved."""
    change(data_dir / "hecate.db", "UPDATE events SET data = '{}' WHERE position = 9")
    lines: list[bytes] = []
    done = export_events(data_dir, "ndjson", lines.append)
    assert (done.events, "event 9 " in done.damage) == (8, True)
    assert import_events(empty, lines).events == 8


def test_only_some(data_dir: Path) -> None:
    """After a position, or of one venture."""
    lines: list[bytes] = []
    everything = exported(data_dir)
    done: Exported = export_events(data_dir, "ndjson", lines.append, after=40)
    assert (lines, done.events) == (everything[40:], 2)
    assert export_events(data_dir, "ndjson", lines.append, venture_id="v-none").events == 0


def test_without_a_store_or_a_file(tmp_path: Path, empty: EventStore) -> None:
    """It is said."""
    with pytest.raises(NotFound):
        export_events(tmp_path, "ndjson", print)
    with pytest.raises(Invalid, match="nowhere"):
        import_events(empty, lines_of(tmp_path / "nowhere"))
