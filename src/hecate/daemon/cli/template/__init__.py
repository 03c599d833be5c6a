"""``hecate template``: what generated code is made from."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "template",
    package=__name__,
    examples=("hecate template list", "hecate template copy ~/.config/hecate/templates/acme"),
    help="See the templates of generated code, or copy them.\n\nCopies may be changed.  No daemon is needed.",
)
