"""List: what was deployed of a division, and what is live.

    GET /api/divisions/{division_id}/deployments

``live`` is the release that is live, null where none is.
"""

from hecate.deploy_division.releases import live_release
from hecate.dossiers.item_list import Item, ItemList

ITEM_LIST = ItemList(
    name="deployments",
    items={
        "release_begun_v1": Item("release_start", "release_id"),
        "release_deployed_v1": Item("release", "release_id"),
        "release_failed_v1": Item("release_failure", "release_id"),
        "release_rolled_back_v1": Item("rollback", "rollback_id"),
        "rollout_staged_v1": Item("rollout", "rollout_id"),
        "application_started_v1": Item("service_start", "application_id"),
        "application_stopped_v1": Item("service_stop", "application_id"),
        "application_failed_v1": Item("service_failure", "application_id"),
    },
    besides=live_release,
)
