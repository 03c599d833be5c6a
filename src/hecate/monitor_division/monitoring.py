"""List: the health checks and incidents of a division.

GET /api/divisions/{division_id}/monitoring
"""

from hecate.dossiers.item_list import ItemList

ITEM_LIST = ItemList(name="monitoring")
