"""Read model: the service level objectives of a division, at most one for each check and one for all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.read_model import Fact, ReadModel

if TYPE_CHECKING:
    import apsw

SCHEMA = """
CREATE TABLE objectives (
    division_id          TEXT    NOT NULL,
    check_id             TEXT    NOT NULL,
    objective_id         TEXT    NOT NULL,
    availability_percent REAL    NOT NULL,
    span                 TEXT    NOT NULL,
    set_at               INTEGER NOT NULL,
    PRIMARY KEY (division_id, check_id)
) STRICT, WITHOUT ROWID;
"""
"""``check_id`` is empty for all checks together; ``span`` is the window, which is a word of SQL's own."""


def on_objective_set(db: apsw.Connection, fact: Fact) -> None:
    """Put the objective in the place of an earlier one."""
    objective: Any = fact.event
    db.execute(
        "INSERT OR REPLACE INTO objectives VALUES (?, ?, ?, ?, ?, ?)",
        (
            fact.subject_id,
            objective.check_id,
            objective.objective_id,
            objective.availability_percent,
            objective.window,
            fact.recorded_at,
        ),
    )


def on_health_check_retired(db: apsw.Connection, fact: Fact) -> None:
    """Nothing is measured any more."""
    retired: Any = fact.event
    db.execute("DELETE FROM objectives WHERE division_id = ? AND check_id = ?", (fact.subject_id, retired.check_id))


READ_MODEL = ReadModel(
    name="objectives",
    schema=SCHEMA,
    projections={"objective_set_v1": on_objective_set, "health_check_retired_v1": on_health_check_retired},
)
