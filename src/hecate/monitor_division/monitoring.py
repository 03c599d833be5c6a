"""List: the health checks and incidents of a division, and how it stands now.

    GET /api/divisions/{division_id}/monitoring

The items are what was recorded, in its order.  Beside them is what holds now: the checks, those first that are not
healthy, the open incidents, and how available the division was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hecate.dossiers.item_list import Item, ItemList
from hecate.dossiers.times import rfc3339
from hecate.monitor_division.check_standings import STANDING, standings
from hecate.monitor_division.figures import ErrorBudget, Figures, budget_of, figures_of
from hecate.monitor_division.samples_store import reader_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

SHOWN: Final = 50
"""How many checks and incidents the list shows; ``…/monitoring/checks`` has all checks, in pages."""

COUNTS: Final = "SELECT status, count(*) FROM health_checks WHERE division_id = ? GROUP BY status"
WORST_FIRST: Final = f"""{STANDING}
ORDER BY CASE c.status WHEN 'unhealthy' THEN 0 WHEN 'degraded' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END,
    c.position
LIMIT ?2
"""
OPEN: Final = """
SELECT incident_id, title, severity, description, check_id, raised_at FROM incidents
WHERE division_id = ? AND closed_at IS NULL ORDER BY severity, position LIMIT ?
"""
OBJECTIVE: Final = """
SELECT objective_id, availability_percent, span FROM objectives WHERE division_id = ? AND check_id = ''
"""


def how_it_stands(db: apsw.Connection, division_id: str) -> Mapping[str, Any]:
    """Return what holds now."""
    statuses = dict.fromkeys(("healthy", "degraded", "unhealthy", "unknown"), 0)
    statuses |= dict(db.execute(COUNTS, (division_id,)))
    figures, budget = _figures(db, division_id)
    return {
        "statuses": statuses,
        "checks": standings(db, db.execute(WORST_FIRST, (division_id, SHOWN)).fetchall()),
        "open_incidents": [
            {
                "incident_id": incident_id,
                "title": title,
                "severity": severity,
                "description": description,
                "check_id": check_id or None,
                "raised_at": rfc3339(raised_at),
            }
            for incident_id, title, severity, description, check_id, raised_at in db.execute(OPEN, (division_id, SHOWN))
        ],
        "figures": figures,
        "error_budget": budget,
    }


def _figures(db: apsw.Connection, division_id: str) -> tuple[Mapping[str, Figures] | None, ErrorBudget | None]:
    """Return the figures of all checks together, by window, and the error budget if there is an objective."""
    with reader_beside(db) as samples:
        if samples is None:
            return None, None
        figures = figures_of(samples, division_id)
    objective: Any = db.execute(OBJECTIVE, (division_id,)).fetchone()
    if objective is None:
        return figures, None
    objective_id, percent, window = objective
    return figures, budget_of(objective_id, percent, window, figures[window])


ITEM_LIST = ItemList(
    name="monitoring",
    items={
        "health_check_registered_v1": Item("check", "check_id"),
        "health_check_retired_v1": Item("retired_check", "check_id"),
        "health_status_recorded_v1": Item("status", "status_id"),
        "incident_raised_v1": Item("incident", "incident_id"),
        "incident_closed_v1": Item("closed_incident", "incident_id"),
        "objective_set_v1": Item("objective", "objective_id"),
    },
    besides=how_it_stands,
)
