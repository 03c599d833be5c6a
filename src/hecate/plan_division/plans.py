"""List: the planned desks of a division, their dependencies and their order, and what was proposed.

    GET /api/divisions/{division_id}/plans

``uncovered_aggregates`` are the designed aggregates that no desk names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.item_list import Item, ItemList

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

UNCOVERED = """
SELECT data ->> 'aggregate_name' FROM events
WHERE stream = 'design-' || :division_id AND type = 'aggregate_designed_v1' AND data ->> 'aggregate_name' NOT IN
    (SELECT data ->> 'aggregate_name' FROM events
     WHERE stream = 'plan-' || :division_id AND type = 'desk_inventoried_v1')
ORDER BY version
"""


def uncovered_aggregates(db: apsw.Connection, division_id: str) -> Mapping[str, Any]:
    """Return the names of the designed aggregates that no planned desk covers."""
    return {"uncovered_aggregates": [name for (name,) in db.execute(UNCOVERED, {"division_id": division_id})]}


ITEM_LIST = ItemList(
    name="plans",
    items={
        "desk_inventoried_v1": Item("desk", "desk_id"),
        "dependency_planned_v1": Item("dependency", "dependency_id"),
        "desks_sequenced_v1": Item("sequence", "sequence_id"),
        "plan_proposed_v1": Item("proposal", "proposal_id"),
    },
    besides=uncovered_aggregates,
)
