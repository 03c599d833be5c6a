"""``hecate division do``."""

from __future__ import annotations

from hecate.daemon.cli.any_command import do_command
from hecate.daemon.cli.names import division_argument, division_id

CLI = do_command(
    "/api/divisions",
    (
        "hecate division do auth design",
        "hecate division do auth design/aggregate aggregate_name=user",
        "hecate division do auth design/event event_name=user_registered aggregate_name=user payload_fields=email,name",
        "hecate division do auth plan/desk desk_name=register_user desk_type=command priority=P0",
    ),
    division_argument(),
    division_id,
)
