"""The command line: ``hecate COMMAND``.

A command is a file of this folder with a ``CLI``; a folder with one is a group of commands.  Adding a command is
adding a file.
"""

from __future__ import annotations

import click

from hecate import __version__
from hecate.daemon.cli.command_folder import Root

EXAMPLES = (
    "hecate serve",
    'hecate venture setup my-saas --brief "A multi-tenant SaaS platform"',
    "hecate status my-saas",
    'git diff | hecate chat "review this"',
)

CLI = click.version_option(__version__, message="%(prog)s %(version)s")(
    Root(
        "hecate",
        package=__name__,
        examples=EXAMPLES,
        help="One API on this machine for language models and for the lifecycle of applications.",
    )
)


def main() -> None:
    """Run the command line and exit."""
    CLI(prog_name="hecate")
