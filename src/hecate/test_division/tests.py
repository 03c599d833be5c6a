"""List: the test runs of a division, and whether the gate of its deployment is open.

    GET /api/divisions/{division_id}/tests

``gate`` is ``open`` if the last run that came to its end has passed; ``last_run`` is that run.
"""

from hecate.dossiers.item_list import Item, ItemList
from hecate.test_division.last_runs import gate_and_last_run

ITEM_LIST = ItemList(
    name="tests",
    items={
        "test_suite_started_v1": Item("suite_start", "suite_id"),
        "test_suite_finished_v1": Item("suite", "suite_id"),
        "test_result_recorded_v1": Item("result", "result_id"),
    },
    besides=gate_and_last_run,
)
