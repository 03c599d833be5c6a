"""Compares read models with what a fold of the events gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

import apsw

from hecate.dossiers.fold import Folding, tables_of
from hecate.dossiers.read_model import ReadModel
from hecate.keep_store.findings import Finding


def compare(db: apsw.Connection, folding: Folding, read_models: Sequence[ReadModel]) -> Iterator[Finding]:
    """Give a finding for each read model that differs, or one for all; *db* is in a transaction.

    Raises:
        Unavailable: An event cannot be read.
        apsw.Error: The events contradict a table's constraints, or the store is damaged.
    """
    stored: dict[object, object] = dict(db.execute("SELECT name, fingerprint FROM read_models"))
    known = [model for model in read_models if stored.get(model.name) == model.fingerprint]
    others = sorted({model.name for model in read_models} - {model.name for model in known})
    if others:
        yield Finding(
            "read models",
            "warning",
            f"{', '.join(others)} are not there, or of another version",
            "a start of the daemon folds them",
        )
    # In a file that SQLite deletes by itself: a large store's tables are large too.
    with closing(apsw.Connection("")) as fresh:
        with fresh:
            for model in read_models:
                fresh.execute(model.schema)
            folding.fold(db, fresh, read_models)
        wrong = {model.name: rows for model in known if (rows := _different(db, fresh, model))}
    for name, rows in wrong.items():
        found = f"{name} differs from its events in {rows:,} rows"
        yield Finding("read models", "problem", found, f"call `hecate rebuild {name}`", read_models=(name,))
    if known and not wrong:
        yield Finding("read models", "ok", f"{len(known)} are as a fold of the events has them")


def _different(db: apsw.Connection, fresh: apsw.Connection, model: ReadModel) -> int:
    """Return how many rows are missing, or too many."""
    return sum(_in_one_only(db, fresh, table) for table in tables_of(model))


def _in_one_only(db: apsw.Connection, fresh: apsw.Connection, table: str) -> int:
    # By their hashes: of two tables with a million rows each, the rows themselves would take a gigabyte.
    sql = f'SELECT * FROM "{table}"'  # noqa: S608 - our own names
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)).fetchone():
        return max(1, sum(1 for _ in fresh.execute(sql)))
    balance: Counter[int] = Counter(hash(row) for row in fresh.execute(sql))
    try:
        balance.subtract(hash(row) for row in db.execute(sql))
    except UnicodeDecodeError:
        return max(1, balance.total())  # a text that is none: nothing can be said of the rows behind it
    return sum(map(abs, balance.values()))
