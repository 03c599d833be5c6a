"""``hecate venture do``."""

from __future__ import annotations

from hecate.daemon.cli.any_command import do_command
from hecate.daemon.cli.names import venture_argument, venture_id

CLI = do_command(
    "/api/ventures",
    ("hecate venture do my-saas", 'hecate venture do my-saas discovery/pause reason="holidays"'),
    venture_argument(),
    venture_id,
)
