"""List: the diagnoses and fixes of a division.

GET /api/divisions/{division_id}/rescues
"""

from hecate.dossiers.item_list import ItemList

ITEM_LIST = ItemList(name="rescues")
