"""``hecate template``: what generated code is made from."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "template",
    package=__name__,
    examples=("hecate template list", "hecate template copy ~/.config/hecate/templates/acme"),
    help="Show the templates of generated code, and copy them to be changed.  No daemon is needed.",
)
