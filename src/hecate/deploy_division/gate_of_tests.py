"""The gate between the tests and a release: open if the last run of the division's tests has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

LAST_RUN = "SELECT run_id, suite_type, outcome, passed, total FROM last_test_runs WHERE division_id = ?"
"""The read model of test_division: processes meet by stored names."""


def why_closed(db: apsw.Connection, division_id: str) -> str:
    """Return why no release should be deployed; empty: the gate is open."""
    row = db.execute(LAST_RUN, (division_id,)).fetchone()
    if row is None:
        return "no tests were run yet; a release usually follows a run that has passed"
    run_id, suite_type, outcome, passed, total = row
    if outcome == "passed":
        return ""
    return (
        f"the last run of its tests has not passed: the {suite_type} suite {run_id!r} ended as {outcome}, with "
        f"{passed} of {total} passed"
    )
