"""Read model: how the tests of each division went last, which opens or closes the gate of its deployment.

A run that was cancelled or interrupted says nothing, and leaves the gate as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.read_model import Fact, ReadModel, row_as_dict
from hecate.dossiers.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

SCHEMA = """
CREATE TABLE last_test_runs (
    division_id TEXT    PRIMARY KEY,
    run_id      TEXT    NOT NULL,
    suite_type  TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    passed      INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

SAYS_NOTHING = frozenset({"cancelled", "interrupted"})


def on_test_suite_finished(db: apsw.Connection, fact: Fact) -> None:
    """Keep how the suite went, if it went to its end."""
    suite: Any = fact.event
    if suite.outcome not in SAYS_NOTHING:
        _keep(db, fact, (suite.suite_id, suite.suite_type, suite.outcome, suite.passed, suite.total))


def on_test_result_recorded(db: apsw.Connection, fact: Fact) -> None:
    """Keep what somebody has told: it has passed if nothing has failed, and something has passed."""
    result: Any = fact.event
    outcome = "passed" if result.passed and not result.failed else "failed"
    total = result.passed + result.failed
    _keep(db, fact, (result.result_id, result.suite_type, outcome, result.passed, total))


def _keep(db: apsw.Connection, fact: Fact, run: tuple[str, str, str, int, int]) -> None:
    db.execute(
        "INSERT OR REPLACE INTO last_test_runs VALUES (?, ?, ?, ?, ?, ?, ?)",
        (fact.subject_id, *run, fact.recorded_at),
    )


def gate_and_last_run(db: apsw.Connection, division_id: str) -> Mapping[str, Any]:
    """Return ``gate`` and ``last_run`` of a division: null where nothing was run yet."""
    run = row_as_dict(db.execute("SELECT * FROM last_test_runs WHERE division_id = ?", (division_id,)))
    if run is None:
        return {"gate": "closed", "last_run": None}
    gate = "open" if run["outcome"] == "passed" else "closed"
    return {"gate": gate, "last_run": {**run, "recorded_at": rfc3339(run["recorded_at"])}}


READ_MODEL = ReadModel(
    name="last_test_runs",
    schema=SCHEMA,
    projections={
        "test_suite_finished_v1": on_test_suite_finished,
        "test_result_recorded_v1": on_test_result_recorded,
    },
)
