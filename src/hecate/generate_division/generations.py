"""List: what was generated of a division.

GET /api/divisions/{division_id}/generations
"""

from hecate.dossiers.item_list import Item, ItemList

ITEM_LIST = ItemList(
    name="generations",
    items={
        "skeleton_generated_v1": Item("skeleton", "skeleton_id"),
        "desk_generated_v1": Item("desk", "generation_id"),
    },
)
