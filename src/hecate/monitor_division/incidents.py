"""Read model: the incidents of a division, open and closed.

`GET /api/divisions/{division_id}/monitoring` shows those that are open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.read_model import Fact, ReadModel

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE incidents (
    incident_id TEXT    PRIMARY KEY,
    division_id TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    description TEXT    NOT NULL,
    check_id    TEXT    NOT NULL,
    raised_at   INTEGER NOT NULL,
    closed_at   INTEGER,
    reason      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_by_division ON incidents (division_id, position);
CREATE INDEX incidents_open ON incidents (division_id, severity, position) WHERE closed_at IS NULL;
"""
"""Times are milliseconds since 1970, UTC."""


def on_incident_raised(db: apsw.Connection, fact: Fact) -> None:
    """Add the incident, which is open."""
    incident: Any = fact.event
    db.execute(
        "INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, '')",
        (
            incident.incident_id,
            fact.subject_id,
            fact.position,
            incident.title,
            incident.severity,
            incident.description,
            incident.check_id,
            fact.recorded_at,
        ),
    )


def on_incident_closed(db: apsw.Connection, fact: Fact) -> None:
    """Say when it was closed, and why."""
    incident: Any = fact.event
    db.execute(
        "UPDATE incidents SET closed_at = ?, reason = ? WHERE incident_id = ?",
        (fact.recorded_at, incident.reason, incident.incident_id),
    )


READ_MODEL = ReadModel(
    name="incidents",
    schema=SCHEMA,
    projections={"incident_raised_v1": on_incident_raised, "incident_closed_v1": on_incident_closed},
)
