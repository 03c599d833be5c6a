"""``hecate job``: the work that commands have left behind."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "job",
    package=__name__,
    examples=(
        "hecate job list --state running",
        "hecate job follow job-0193f2a1b3c000112345",
        "hecate job cancel job-0193f2a1b3c000112345",
    ),
    help="See what is being done, follow it, and end it.",
)
