"""A data directory as a daemon leaves it: a store with shelves and books, another database, and a file with a key."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.dossiers.engine import Engine
from tests.dossiers.shelf import DESKS, FILL_SHELF, READ_MODELS, PutBook, carry_out, new_shelf, order

BOOKS = 40


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Give a data directory with some events, whose daemon does not run."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with closing(Engine.open(folder / "hecate.db", DESKS, read_models=READ_MODELS)) as engine:
        shelf_id = new_shelf(engine)
        carry_out(
            engine, *(order(FILL_SHELF, PutBook(f"book {number}"), shelf_id, f"k{number}") for number in range(BOOKS))
        )
    with closing(apsw.Connection(str(folder / "usage.db"))) as db:
        db.pragma("journal_mode", "wal")
        db.execute("CREATE TABLE calls (id INTEGER PRIMARY KEY); INSERT INTO calls VALUES (1)")
    (folder / "providers.json").write_text('{"openai": {"api_key": "sk-canary"}}')
    (folder / "providers.json").chmod(0o600)
    (folder / "mesh").mkdir(mode=0o700)
    (folder / "mesh/identity.key").write_text("a key")
    (folder / "daemon.lock").write_text("1")
    (folder / "workspaces").mkdir()
    (folder / "workspaces/big").write_text("not in a backup")
    return folder
