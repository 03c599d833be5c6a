"""List: the diagnoses, fixes and escalations of a division.

GET /api/divisions/{division_id}/rescues
"""

from hecate.dossiers.item_list import Item, ItemList

ITEM_LIST = ItemList(
    name="rescues",
    items={
        "incident_diagnosed_v1": Item("diagnosis", "diagnosis_id"),
        "fix_applied_v1": Item("fix", "fix_id"),
        "fix_failed_v1": Item("failed_fix", "fix_id"),
        "redesign_escalated_v1": Item("escalation", "escalation_id"),
    },
)
