"""Looks into a store: its tables as they are, and as a fold of its events would have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import apsw

from hecate.dossiers.fold import Folding, tables_of
from hecate.dossiers.read_model import ReadModel
from hecate.dossiers.texts import VentureKeys

Tables = dict[str, list[tuple[Any, ...]]]


def rows_of(db: apsw.Connection, read_models: Sequence[ReadModel]) -> Tables:
    """Return every row of every table of *read_models*."""
    return {
        table: sorted(db.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)
        for model in read_models
        for table in tables_of(model)
    }


def keys_in(db: apsw.Connection) -> VentureKeys:
    """Return every key that *db* has; they do not need it any more."""
    keys = VentureKeys()
    for venture_id, key in db.execute("SELECT venture_id, key FROM venture_keys"):
        keys.take(str(venture_id), bytes(key))
    return keys


def folded_anew(db: apsw.Connection, folding: Folding, read_models: Sequence[ReadModel]) -> Tables:
    """Return the rows that a fold of all events in *db* makes, in tables of their own."""
    with closing(apsw.Connection(":memory:")) as fresh:
        for model in read_models:
            fresh.execute(model.schema)
        folding.fold(db, fresh, read_models)
        return rows_of(fresh, read_models)


def indexes_used(db: apsw.Connection, question: Callable[[apsw.Connection], object]) -> list[str]:
    """Return how SQLite finds the rows for each statement of *question*, such as "… (stream=?)"."""
    statements: list[tuple[str, Any]] = []

    def note(_cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        statements.append((sql, bindings))
        return True

    db.exec_trace = note
    try:
        question(db)
    finally:
        db.exec_trace = None
    return [
        detail
        for sql, bindings in statements
        for *_, detail in db.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)
        if detail.startswith(("SEARCH", "SCAN"))
    ]
