"""List: the designed aggregates and events of a division, and what was proposed.

GET /api/divisions/{division_id}/designs
"""

from hecate.dossiers.item_list import Item, ItemList

ITEM_LIST = ItemList(
    name="designs",
    items={
        "aggregate_designed_v1": Item("aggregate", "aggregate_id"),
        "event_designed_v1": Item("event", "event_id"),
        "design_proposed_v1": Item("proposal", "proposal_id"),
    },
)
