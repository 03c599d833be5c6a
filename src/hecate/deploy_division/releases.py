"""Read model: the releases of each division that were deployed, and which of them is live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.read_model import Fact, ReadModel, row_as_dict
from hecate.dossiers.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

SCHEMA = """
CREATE TABLE releases (
    division_id TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    release_id  TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    commit_id   TEXT    NOT NULL,
    is_live     INTEGER NOT NULL,
    live_since  INTEGER NOT NULL,
    PRIMARY KEY (division_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX live_releases ON releases (division_id) WHERE is_live;
"""
"""``live_since``: when it became live the last time, in milliseconds since 1970, UTC."""


def on_release_deployed(db: apsw.Connection, fact: Fact) -> None:
    """Add the release, or what is new of it; it alone is live."""
    deployed: Any = fact.event
    db.execute("UPDATE releases SET is_live = 0 WHERE division_id = ? AND is_live", (fact.subject_id,))
    db.execute(
        "INSERT OR REPLACE INTO releases VALUES (?, ?, ?, ?, ?, 1, ?)",
        (
            fact.subject_id,
            deployed.version,
            deployed.release_id,
            deployed.target,
            deployed.commit,
            fact.recorded_at,
        ),
    )


def on_release_rolled_back(db: apsw.Connection, fact: Fact) -> None:
    """Say that the earlier one is live."""
    rolled_back: Any = fact.event
    db.execute("UPDATE releases SET is_live = 0 WHERE division_id = ? AND is_live", (fact.subject_id,))
    db.execute(
        "UPDATE releases SET is_live = 1, live_since = ? WHERE division_id = ? AND version = ?",
        (fact.recorded_at, fact.subject_id, rolled_back.to_version),
    )


def live_release(db: apsw.Connection, division_id: str) -> Mapping[str, Any]:
    """Return ``live``: the release of a division that is live; null: there is none."""
    row = row_as_dict(
        db.execute(
            'SELECT version, release_id, target, commit_id AS "commit", live_since FROM releases '
            "WHERE division_id = ? AND is_live",
            (division_id,),
        )
    )
    return {"live": None if row is None else {**row, "live_since": rfc3339(row["live_since"])}}


READ_MODEL = ReadModel(
    name="releases",
    schema=SCHEMA,
    projections={"release_deployed_v1": on_release_deployed, "release_rolled_back_v1": on_release_rolled_back},
)
