"""List: the test runs of a division.

GET /api/divisions/{division_id}/tests
"""

from hecate.dossiers.item_list import ItemList

ITEM_LIST = ItemList(name="tests")
