"""Read model: the checks that are registered, and how each stands.

What the poller polls, and what `GET /api/divisions/{division_id}/monitoring/checks` shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hecate.dossiers.read_model import Fact, ReadModel

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE health_checks (
    check_id          TEXT    PRIMARY KEY,
    division_id       TEXT    NOT NULL,
    position          INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    type              TEXT    NOT NULL,
    target            TEXT    NOT NULL,
    interval_seconds  REAL    NOT NULL,
    timeout_seconds   REAL    NOT NULL,
    failure_threshold INTEGER NOT NULL,
    expected_status   INTEGER NOT NULL,
    expected_body     TEXT    NOT NULL,
    severity          TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    status_since      INTEGER NOT NULL,
    message           TEXT    NOT NULL,
    incident_id       TEXT    NOT NULL,
    counts_since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX health_checks_by_division ON health_checks (division_id, position);
CREATE INDEX health_checks_by_status ON health_checks (division_id, status, position);
"""
"""``incident_id``: of the open incident that the check has raised; empty: there is none.  ``counts_since``: failures
before that time belong to an earlier incident.  Both times are milliseconds since 1970, UTC."""

UNKNOWN: Final = "unknown"
"""The status before the first poll."""


def on_health_check_registered(db: apsw.Connection, fact: Fact) -> None:
    """Add the check, of which nothing is known yet."""
    check: Any = fact.event
    db.execute(
        "INSERT INTO health_checks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?)",
        (
            check.check_id,
            fact.subject_id,
            fact.position,
            check.name,
            check.type,
            check.target,
            check.interval_seconds,
            check.timeout_seconds,
            check.failure_threshold,
            check.expected_status,
            check.expected_body,
            check.severity,
            UNKNOWN,
            fact.recorded_at,
            fact.recorded_at,
        ),
    )


def on_health_check_retired(db: apsw.Connection, fact: Fact) -> None:
    """Take the check off."""
    retired: Any = fact.event
    db.execute("DELETE FROM health_checks WHERE check_id = ?", (retired.check_id,))


def on_health_status_recorded(db: apsw.Connection, fact: Fact) -> None:
    """Say how the check stands, and since when."""
    recorded: Any = fact.event
    db.execute(
        "UPDATE health_checks SET status_since = iif(status = ?1, status_since, ?2), status = ?1, message = ?3 "
        "WHERE check_id = ?4",
        (recorded.status, fact.recorded_at, recorded.message, recorded.check_id),
    )


def on_incident_raised(db: apsw.Connection, fact: Fact) -> None:
    """Say which incident the check has raised."""
    incident: Any = fact.event
    if incident.check_id:
        db.execute(
            "UPDATE health_checks SET incident_id = ? WHERE check_id = ?", (incident.incident_id, incident.check_id)
        )


def on_incident_closed(db: apsw.Connection, fact: Fact) -> None:
    """Say that it is closed; failures are counted anew."""
    incident: Any = fact.event
    db.execute(
        "UPDATE health_checks SET incident_id = '', counts_since = ? WHERE division_id = ? AND incident_id = ?",
        (fact.recorded_at, fact.subject_id, incident.incident_id),
    )


READ_MODEL = ReadModel(
    name="health_checks",
    schema=SCHEMA,
    projections={
        "health_check_registered_v1": on_health_check_registered,
        "health_check_retired_v1": on_health_check_retired,
        "health_status_recorded_v1": on_health_status_recorded,
        "incident_raised_v1": on_incident_raised,
        "incident_closed_v1": on_incident_closed,
    },
)
