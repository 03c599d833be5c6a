"""The tables of the store, and how an older file is brought up to date."""

from __future__ import annotations

from typing import Final

import apsw

APPLICATION_ID: Final = 0x48454341
"""``HECA`` in the file's header: what tells Hecate's store from any other SQLite file."""

MIGRATIONS: Final = (
    """
    CREATE TABLE events (
        -- AUTOINCREMENT: a position is never used twice, whatever happens to the last rows.
        position    INTEGER PRIMARY KEY AUTOINCREMENT,
        stream      TEXT    NOT NULL,
        version     INTEGER NOT NULL,
        venture_id  TEXT    NOT NULL,
        event_id    TEXT    NOT NULL,
        type        TEXT    NOT NULL,
        data        TEXT    NOT NULL,
        meta        TEXT    NOT NULL,
        recorded_at INTEGER NOT NULL,
        hash        BLOB    NOT NULL,
        UNIQUE (stream, version)
    ) STRICT;
    CREATE INDEX events_by_type ON events (type);
    CREATE INDEX events_by_venture ON events (venture_id);
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'events never change'); END;
    CREATE TRIGGER events_never_go BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

    CREATE TABLE commands (
        key         TEXT    PRIMARY KEY,
        fingerprint BLOB    NOT NULL,
        status      INTEGER NOT NULL,
        version     INTEGER NOT NULL,
        answer      BLOB    NOT NULL,
        recorded_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE checkpoints (
        name     TEXT    PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE read_models (
        name        TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        tables      TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE jobs (
        id          TEXT    PRIMARY KEY,
        process     TEXT    NOT NULL,
        desk        TEXT    NOT NULL,
        subject_id  TEXT    NOT NULL,
        venture_id  TEXT    NOT NULL,
        command     TEXT    NOT NULL,
        events      TEXT    NOT NULL,
        meta        TEXT    NOT NULL,
        state       TEXT    NOT NULL,
        message     TEXT    NOT NULL,
        done        INTEGER,
        total       INTEGER,
        output      TEXT,
        result      TEXT,
        error       TEXT,
        created_at  INTEGER NOT NULL,
        started_at  INTEGER,
        finished_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX jobs_unfinished ON jobs (id) WHERE finished_at IS NULL;
    CREATE INDEX jobs_by_subject ON jobs (subject_id, id);
    CREATE INDEX jobs_by_venture ON jobs (venture_id, id);
    """,
    """
    -- Where in the data the texts are for which commitments are in the hash; NULL: the data are in it as they are.
    ALTER TABLE events ADD COLUMN texts TEXT;
    CREATE TABLE venture_keys (
        venture_id TEXT PRIMARY KEY,
        key        BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    DROP TRIGGER events_never_change;
    -- But for a venture that is forgotten: commitments take the place of its texts, and the hash stays.
    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
        WHEN old.texts IS NULL OR new.texts IS NOT NULL
            OR (old.position, old.stream, old.version, old.venture_id, old.event_id, old.type, old.meta,
                old.recorded_at, old.hash)
            IS NOT (new.position, new.stream, new.version, new.venture_id, new.event_id, new.type, new.meta,
                new.recorded_at, new.hash)
        BEGIN SELECT RAISE(ABORT, 'events never change'); END;
    """,
)
"""Each entry leads from ``user_version`` of its index to the next; none ever changes."""


def migrate(db: apsw.Connection) -> None:
    """Bring an empty or older store up to date, each step in a transaction of its own.

    The caller has checked that the store is not newer than this code.
    """
    version = user_version(db)
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        with db:
            db.execute(script)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {number}")


def user_version(db: apsw.Connection) -> int:
    """Return how many migrations the store has had."""
    return int(db.pragma("user_version"))
