"""The store's tables: what an empty file becomes, and an older one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS, migrate, user_version


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    """Give an empty database."""
    with closing(apsw.Connection(":memory:")) as db:
        yield db


def tables(db: apsw.Connection) -> set[str]:
    """Return the names of the tables."""
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def test_an_empty_file_becomes_a_store(db: apsw.Connection) -> None:
    """It has every table, says whose file it is, and how far it has come."""
    migrate(db)
    assert {"events", "commands", "checkpoints", "read_models"} <= tables(db)
    assert db.pragma("application_id") == APPLICATION_ID
    assert user_version(db) == len(MIGRATIONS)


def test_a_store_that_is_up_to_date_stays_as_it_is(db: apsw.Connection) -> None:
    """Migrating twice changes nothing."""
    migrate(db)
    changes = db.total_changes()
    schema = db.execute("SELECT * FROM sqlite_schema").fetchall()
    migrate(db)
    assert db.execute("SELECT * FROM sqlite_schema").fetchall() == schema
    assert db.total_changes() == changes


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_older_store_becomes_todays(db: apsw.Connection, version: int) -> None:
    """Whichever migration it had last, the rest brings it to the same tables."""
    for script in MIGRATIONS[:version]:
        db.execute(script)
    db.pragma("user_version", version)
    migrate(db)
    with closing(apsw.Connection(":memory:")) as fresh:
        migrate(fresh)
        schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
        assert db.execute(schema).fetchall() == fresh.execute(schema).fetchall()


def test_a_migration_that_fails_leaves_the_store_as_it_was(db: apsw.Connection) -> None:
    """A table of the same name is in the way: no half of the step stays."""
    db.execute("CREATE TABLE checkpoints (other)")
    with pytest.raises(apsw.SQLError, match="already exists"):
        migrate(db)
    assert tables(db) == {"checkpoints"}
    assert (user_version(db), db.pragma("application_id")) == (0, 0)


def test_every_table_is_strict(db: apsw.Connection) -> None:
    """A column holds what it says, whatever a statement binds to it."""
    migrate(db)
    strict = dict(db.execute("SELECT name, strict FROM pragma_table_list"))
    assert {name for name in strict if not strict[name] and not name.startswith("sqlite_")} == set()
