"""What tests ask of stores and backups."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from hecate.keep_store.sound_copy import unshared

EVENTS = "SELECT * FROM events ORDER BY position"


def rows(database: Path, sql: str = EVENTS) -> list[tuple[Any, ...]]:
    """Return what *sql* finds in *database*, which nobody has open."""
    with closing(unshared(database)) as db:
        return db.execute(sql).fetchall()


def change(database: Path, sql: str) -> None:
    """Change a store from outside, against the will of its triggers."""
    with closing(apsw.Connection(str(database))) as db:
        db.set_busy_timeout(10_000)
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute(sql)
        assert db.changes() > 0
        for _, text in triggers:
            db.execute(str(text))


def flip(file: Path, at: int) -> None:
    """Change the byte *at* of *file*."""
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder*, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
