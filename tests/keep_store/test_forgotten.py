"""Keeping a store in which a venture is forgotten: all works as with any other, and nothing brings texts back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import apsw
import pytest

from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import Forgotten, Invalid, Refused
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.forgetting import forget
from hecate.dossiers.read_model import Meta
from hecate.keep_store.archive import check_archive, file_of, write_archive
from hecate.keep_store.back_up import back_up
from hecate.keep_store.event_lines import Form
from hecate.keep_store.examine_store import examine_store
from hecate.keep_store.export_events import export_events
from hecate.keep_store.import_events import import_events
from hecate.keep_store.rebuild import rebuild
from hecate.keep_store.restore import restore
from hecate.keep_store.sound_copy import check_log
from tests.dossiers.reading import rows_of
from tests.dossiers.shelf import DESKS, FILL_SHELF, READ_MODELS, PutBook, carry_out, new_shelf, order
from tests.dossiers.test_forgetting import CANARY, files_with, forget_in
from tests.keep_store.at_work import FOLDING, READ_MODELS as ALL
from tests.keep_store.looking import change, rows

FORMS = pytest.mark.parametrize("form", get_args(Form))


def opened(data_dir: Path) -> Engine:
    """Open the store."""
    return Engine.open(data_dir / "hecate.db", DESKS, read_models=READ_MODELS)


@pytest.fixture
def shelf_id(data_dir: Path) -> str:
    """Put a book with a canary on a shelf of its own, and return that."""
    with closing(opened(data_dir)) as engine:
        shelf_id = new_shelf(engine)
        carry_out(engine, order(FILL_SHELF, PutBook(CANARY), shelf_id, "key"))
    return shelf_id


@pytest.fixture
def forgotten(data_dir: Path, shelf_id: str) -> str:
    """Forget that shelf, and return it."""
    with closing(opened(data_dir)) as engine:
        forget_in(engine, shelf_id)
    return shelf_id


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[EventStore]:
    """Give an empty store in a folder of its own."""
    (tmp_path / "empty").mkdir()
    with closing(EventStore.open(tmp_path / "empty/hecate.db")) as store:
        yield store


def problems(data_dir: Path) -> list[str]:
    """Return what the doctor finds wrong with the store itself."""
    findings = [one for one in examine_store(data_dir, FOLDING, ALL) if one.state == "problem"]
    return [f"{one.check}: {one.found}" for one in findings if not one.check.startswith("structure of usage")]


def test_the_doctor_finds_it_sound(data_dir: Path, forgotten: str) -> None:
    """The chain, the read models and the structure."""
    assert forgotten
    assert problems(data_dir) == []


def test_the_doctor_sees_what_was_changed_since(data_dir: Path, forgotten: str) -> None:
    """A commitment that is another one."""
    sql = f"UPDATE events SET data = replace(data, '[forgotten ', '[forgotten 0') WHERE venture_id = '{forgotten}'"
    change(data_dir / "hecate.db", sql)
    assert any("does not follow from the one before it" in problem for problem in problems(data_dir))


def test_the_doctor_sees_that_a_key_is_gone(data_dir: Path, shelf_id: str) -> None:
    """A key that nobody destroyed on purpose: its texts prove nothing any more."""
    change(data_dir / "hecate.db", f"DELETE FROM venture_keys WHERE venture_id = '{shelf_id}'")
    assert any("hash chain" in problem for problem in problems(data_dir))


def test_a_backup_has_the_keys_and_not_what_was_forgotten(data_dir: Path, forgotten: str, tmp_path: Path) -> None:
    """It is restored as it was."""
    back_up(data_dir, tmp_path / "backup")
    assert files_with(tmp_path / "backup", CANARY) == []
    (tmp_path / "new").mkdir()
    restore(tmp_path / "backup", tmp_path / "new", force=False)
    everything = "SELECT * FROM venture_keys"
    keys = rows(data_dir / "hecate.db", everything)
    assert rows(tmp_path / "new/hecate.db", everything) == keys
    assert forgotten not in [venture_id for venture_id, _ in keys]
    assert rows(tmp_path / "new/hecate.db") == rows(data_dir / "hecate.db")
    assert problems(tmp_path / "new") == []


def test_a_rebuild_gives_the_same_tables(data_dir: Path, forgotten: str) -> None:
    """From events without texts too."""
    assert forgotten
    with closing(apsw.Connection(str(data_dir / "hecate.db"))) as db:
        before = rows_of(db, ALL)
        rebuild(data_dir, FOLDING, ALL)
        assert rows_of(db, ALL) == before


@FORMS
def test_an_export_is_imported_as_the_same_store(
    data_dir: Path, forgotten: str, empty: EventStore, tmp_path: Path, form: Form
) -> None:
    """Events with texts, with their keys, and events without: each hash is what it was."""
    lines: list[bytes] = []
    assert export_events(data_dir, form, lines.append).damage == ""
    assert CANARY.encode() not in b"".join(lines)
    import_events(empty, lines)
    empty.close()
    assert rows(tmp_path / "empty/hecate.db") == rows(data_dir / "hecate.db")
    keys = "SELECT * FROM venture_keys ORDER BY venture_id"
    assert rows(tmp_path / "empty/hecate.db", keys) == rows(data_dir / "hecate.db", keys)
    assert check_log(tmp_path / "empty/hecate.db") == check_log(data_dir / "hecate.db")
    with closing(opened(tmp_path / "empty")) as engine, pytest.raises(Forgotten):
        carry_out(engine, order(FILL_SHELF, PutBook("Emma"), forgotten))


@FORMS
def test_what_was_imported_can_be_forgotten(
    data_dir: Path, shelf_id: str, empty: EventStore, tmp_path: Path, form: Form
) -> None:
    """The keys came along, so that the same commitments take the places of the texts."""
    lines: list[bytes] = []
    export_events(data_dir, form, lines.append)
    import_events(empty, lines)
    empty.close()
    for folder in (data_dir, tmp_path / "empty"):
        with closing(opened(folder)) as engine:
            forget_in(engine, shelf_id)
        assert files_with(folder, CANARY) == []
    same = "SELECT position, data FROM events ORDER BY position"
    there, here = rows(tmp_path / "empty/hecate.db", same), rows(data_dir / "hecate.db", same)
    assert there == here
    assert problems(tmp_path / "empty") == []


@FORMS
def test_a_line_without_its_key_is_not_imported(data_dir: Path, empty: EventStore, form: Form) -> None:
    """As a page of ``GET /api/events`` has it; and one with another key proves nothing."""
    lines: list[bytes] = []
    export_events(data_dir, form, lines.append)
    field = {"ndjson": "key", "cloudevents": "hecatekey"}[form]
    fields = json.loads(lines[0])
    without = {name: value for name, value in fields.items() if name != field}
    with pytest.raises(Invalid, match="has no key of its venture"):
        import_events(empty, [json.dumps(without, separators=(",", ":")).encode()])
    other = {**fields, field: "00" * 32}
    with pytest.raises(Invalid, match="not what its hash says"):
        import_events(empty, [json.dumps(other, separators=(",", ":")).encode()])


def test_an_archives_lines_prove_themselves(data_dir: Path, forgotten: str, tmp_path: Path) -> None:
    """Of a forgotten venture, and of one with texts: that has its key in each line that needs it."""
    ((other,),) = rows(data_dir / "hecate.db", "SELECT venture_id FROM events WHERE position = 1")
    written = write_archive(data_dir, [forgotten, other], tmp_path / "archive")
    for venture_id in (forgotten, other):
        assert check_archive(file_of(tmp_path / "archive", venture_id)) == written[venture_id]
    assert files_with(tmp_path / "archive", CANARY) == []
    assert b'"key":' not in file_of(tmp_path / "archive", forgotten).read_bytes()


def test_an_older_store_keeps_its_chain(data_dir: Path, shelf_id: str) -> None:
    """One from before there were keys is opened, goes on, and can be checked from its beginning."""
    assert shelf_id
    assert_older(data_dir / "hecate.db")
    with closing(opened(data_dir)) as engine:
        carry_out(engine, order(FILL_SHELF, PutBook("Emma"), new_shelf(engine)))
        with pytest.raises(Refused, match="had no keys"):
            engine.store.writer.submit_from_thread(lambda db: forget(engine, db, shelf_id, Meta())).result(10)
    assert problems(data_dir) == []
    texts = rows(data_dir / "hecate.db", "SELECT texts IS NULL, count(*) FROM events GROUP BY 1 ORDER BY 1")
    assert [is_plain for is_plain, _ in texts] == [0, 1]


def assert_older(database: Path) -> None:
    """Make the store what an earlier version would have written: each hash over the data as they are."""
    from hecate.dossiers.hash_chain import GENESIS, link  # noqa: PLC0415 - of this one alone
    from hecate.dossiers.schema import MIGRATIONS  # noqa: PLC0415

    with closing(apsw.Connection(str(database))) as db:
        events = [row[:9] for row in db.execute("SELECT * FROM events ORDER BY position").fetchall()]
        with db:
            db.execute("DROP TABLE events; DROP TABLE venture_keys")
            db.execute(MIGRATIONS[0].partition("CREATE TABLE commands")[0])
            previous = GENESIS
            for row in events:
                previous = link(previous, row)  # type: ignore[arg-type]
                db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, previous))
            db.execute("PRAGMA user_version = 2")
