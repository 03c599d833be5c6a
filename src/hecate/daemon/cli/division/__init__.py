"""``hecate division``: work on the divisions of a venture."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "division",
    package=__name__,
    examples=(
        "hecate division list my-saas",
        "hecate division start auth design",
        "hecate division do auth design/aggregate aggregate_name=user",
        "hecate division complete auth design",
        "hecate division show auth design",
    ),
    help="Work on the divisions of a venture.\n\n"
    "Each is designed, planned, generated, tested, deployed, monitored and rescued.",
)
