"""``hecate mesh``: daemons that find and use each other."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "mesh",
    package=__name__,
    examples=("hecate mesh init", "hecate mesh invite", "hecate mesh join INVITATION", "hecate mesh peers"),
    help="Begin or enter a mesh of daemons, and see who is in it.",
)
