"""Folding one venture's events anew into read models in use, at the cost of that venture alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import apsw

from hecate.dossiers.fold import Folding, tables_of
from hecate.dossiers.read_model import ReadModel


@contextmanager
def fold_subset_anew(
    db: apsw.Connection, folding: Folding, read_models: Sequence[ReadModel], venture_id: str
) -> Iterator[None]:
    """Let the block change *venture_id*'s events, and bring *read_models* in line with them; in one transaction.

    The rows that follow from the events before, and only these, give way to those that follow from the events
    after.  A read model of which that is not so, since it mixes ventures, is folded anew from the whole log.
    """
    with closing(apsw.Connection(":memory:")) as before, closing(apsw.Connection(":memory:")) as after:
        _fold(db, before, folding, read_models, venture_id)
        yield
        _fold(db, after, folding, read_models, venture_id)
        mixed = [model for model in read_models if not _swap_rows(db, before, after, model)]
    if mixed:
        db.executemany("UPDATE read_models SET fingerprint = '' WHERE name = ?", [(model.name,) for model in mixed])
        folding.bring_up_to_date(db, read_models)


def _fold(
    db: apsw.Connection, target: apsw.Connection, folding: Folding, read_models: Sequence[ReadModel], venture_id: str
) -> None:
    with target:
        for model in read_models:
            target.execute(model.schema)
        folding.fold(db, target, read_models, venture_id=venture_id)


def _swap_rows(db: apsw.Connection, before: apsw.Connection, after: apsw.Connection, model: ReadModel) -> bool:
    """Put the rows of *after* in the places of those of *before*; tell whether each of these was there, once."""
    for table in tables_of(model):
        rows = f'SELECT * FROM "{table}"'  # noqa: S608 - our own names
        old, new = before.execute(rows).fetchall(), after.execute(rows).fetchall()
        stays = set(old) & set(new)
        columns = [str(name) for _, name, *_ in before.execute(f'PRAGMA table_info("{table}")')]
        where = " AND ".join(f'"{column}" IS ?' for column in columns)
        for row in old:
            if row not in stays:
                db.execute(f'DELETE FROM "{table}" WHERE {where}', row)  # noqa: S608
                if db.changes() != 1:
                    return False
        marks = ", ".join("?" * len(columns))
        try:
            db.executemany(f'INSERT INTO "{table}" VALUES ({marks})', [row for row in new if row not in stays])  # noqa: S608
        except apsw.ConstraintError:
            return False
    return True
