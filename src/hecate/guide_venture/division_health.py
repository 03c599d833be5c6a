"""How healthy a division is, from what its monitoring has recorded.

| health | when |
|---|---|
| ``down`` | an incident of sev1 or sev2 is open |
| ``degraded`` | an incident of sev3 or sev4 is open, or the last status of a check was not healthy |
| ``ok`` | neither, and a check has passed, or there was an incident, it is closed, and no check says otherwise |
| ``unknown`` | nothing has been checked yet |

Shown by `GET /api/ventures/{venture_id}/status` and wherever a division is listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.read_model import Fact

HEALTH_FACTS: Final = (
    "health_check_registered_v1",
    "health_check_retired_v1",
    "health_status_recorded_v1",
    "incident_raised_v1",
    "incident_closed_v1",
)
"""The facts after which it may be another."""

READS: Final = ("health_checks", "incidents")
"""The read models of monitor_division that it follows from: processes meet by stored names."""

# Each question stops at the first row of an index, so that thousands of checks cost what one does.
UPDATE_HEALTH: Final = """
UPDATE division_progress SET health = CASE
    WHEN EXISTS (SELECT 1 FROM incidents
                 WHERE division_id = ?1 AND closed_at IS NULL AND severity IN ('sev1', 'sev2')) THEN 'down'
    WHEN EXISTS (SELECT 1 FROM incidents WHERE division_id = ?1 AND closed_at IS NULL)
      OR EXISTS (SELECT 1 FROM health_checks
                 WHERE division_id = ?1 AND status IN ('unhealthy', 'degraded')) THEN 'degraded'
    WHEN EXISTS (SELECT 1 FROM health_checks WHERE division_id = ?1 AND status = 'healthy')
      OR (EXISTS (SELECT 1 FROM incidents WHERE division_id = ?1)
          AND NOT EXISTS (SELECT 1 FROM health_checks WHERE division_id = ?1)) THEN 'ok'
    ELSE 'unknown'
END WHERE division_id = ?1
"""


def keep_health(db: apsw.Connection, fact: Fact) -> None:
    """Say how healthy the division of *fact* is now."""
    db.execute(UPDATE_HEALTH, (fact.subject_id,))


def turns_attention(fact: Fact) -> bool:
    """Tell whether *fact* of a division's health is somebody's doing, or only what a poll has found.

    The process that was touched last is where people are at work, not where the daemon looks after itself.  An
    incident may also be closed when monitoring is over, which begins nothing.
    """
    return not fact.meta.actor.policy and fact.progress.state in {"active", "paused"}
