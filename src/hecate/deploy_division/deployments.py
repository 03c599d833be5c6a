"""List: the releases of a division.

GET /api/divisions/{division_id}/deployments
"""

from hecate.dossiers.item_list import ItemList

ITEM_LIST = ItemList(name="deployments")
