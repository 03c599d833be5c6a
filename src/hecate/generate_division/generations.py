"""List: the what was generated of a division.

GET /api/divisions/{division_id}/generations
"""

from hecate.dossiers.item_list import ItemList

ITEM_LIST = ItemList(name="generations")
