"""Files beside the store: private, ours, as far as they are known, and begun anew where they are damaged."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from hecate.dossiers.errors import Unavailable
from hecate.side_files import Form, opened

FORM = Form(0x54455354, ("CREATE TABLE notes (text TEXT) STRICT;",), cache_kib=1024)


def notes(path: Path, form: Form = FORM, *, add: str = "") -> list[str]:
    """Return what is in the file, after *add* was written into it."""

    def read(db: apsw.Connection) -> list[str]:
        if add:
            db.execute("INSERT INTO notes VALUES (?)", (add,))
        found = [str(row[0]) for row in db.execute("SELECT text FROM notes")]
        db.close()
        return found

    return opened(path, form, read)


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    """For nobody else to read; a later version adds to what there is."""
    path = tmp_path / "notes.db"
    assert notes(path, add="one") == ["one"]
    assert path.stat().st_mode & 0o777 == 0o600
    later = Form(FORM.application_id, (*FORM.migrations, "INSERT INTO notes VALUES ('two');"), cache_kib=1024)
    assert notes(path, later) == notes(path, later) == ["one", "two"]
    with pytest.raises(Unavailable, match="was written by a newer Hecate"):
        notes(path)


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    """Whatever is in it."""
    path = tmp_path / "notes.db"
    notes(path, add="theirs")
    with pytest.raises(Unavailable, match="is another program's database"):
        notes(path, Form(1, FORM.migrations, cache_kib=1024))
    assert notes(path) == ["theirs"]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """And said; it is kept, for whoever wants to look at it."""
    path = tmp_path / "notes.db"
    path.write_bytes(b"no database, and long enough to be looked at as one" * 100)
    with capture_logs() as logs:
        assert notes(path, add="new") == ["new"]
    assert [entry["event"] for entry in logs] == ["records are damaged, begun anew"]
    assert len(list(tmp_path.glob("notes.db.damaged-*"))) == 1
