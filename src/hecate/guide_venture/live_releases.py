"""Read model: which release of a division is live.

Shown by `GET /api/ventures/{venture_id}/board`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.read_model import Fact, ReadModel

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE live_releases (
    division_id    TEXT    PRIMARY KEY,
    version        TEXT    NOT NULL,
    live_since     INTEGER NOT NULL,
    rolled_back    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE releases_deployed (
    division_id TEXT NOT NULL,
    version     TEXT NOT NULL,
    release_id  TEXT NOT NULL,
    target      TEXT NOT NULL,
    commit_id   TEXT NOT NULL,
    PRIMARY KEY (division_id, version)
) STRICT, WITHOUT ROWID;
"""
"""``live_since`` is in milliseconds since 1970, UTC; ``rolled_back``: it went live by a roll-back to it."""

KEEP_LIVE = "INSERT OR REPLACE INTO live_releases VALUES (?, ?, ?, ?)"


def on_release_deployed(db: apsw.Connection, fact: Fact) -> None:
    """What was deployed last is live."""
    release: Any = fact.event
    db.execute(
        "INSERT OR REPLACE INTO releases_deployed VALUES (?, ?, ?, ?, ?)",
        (fact.subject_id, release.version, release.release_id, release.target, release.commit),
    )
    db.execute(KEEP_LIVE, (fact.subject_id, release.version, fact.recorded_at, 0))


def on_release_rolled_back(db: apsw.Connection, fact: Fact) -> None:
    """What was rolled back to is live; where that is nothing, nothing is."""
    rolled_back: Any = fact.event
    if rolled_back.to_version:
        db.execute(KEEP_LIVE, (fact.subject_id, rolled_back.to_version, fact.recorded_at, 1))
    else:
        db.execute("DELETE FROM live_releases WHERE division_id = ?", (fact.subject_id,))


READ_MODEL = ReadModel(
    name="live_releases",
    schema=SCHEMA,
    projections={"release_deployed_v1": on_release_deployed, "release_rolled_back_v1": on_release_rolled_back},
)
