"""The command line: ``hecate COMMAND``.

A command is a file of this folder with a ``CLI``; a folder with one is a group of commands.  Adding a command is
adding a file.
"""

from __future__ import annotations

import click

from hecate import __version__
from hecate.daemon.cli.command_folder import Root
from hecate.daemon.cli.session import Session

EXAMPLES = (
    "hecate",
    "hecate serve",
    'hecate venture setup my-saas --brief "A multi-tenant SaaS platform"',
    "hecate status my-saas",
    'git diff | hecate chat "review this"',
)


@click.pass_context
def _overview_unless_told(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        # Only this one way to call it needs what it asks for.
        from hecate.daemon.cli.overview import show_overview  # noqa: PLC0415

        show_overview(ctx.ensure_object(Session))


CLI = click.version_option(__version__, message="%(prog)s %(version)s")(
    Root(
        "hecate",
        package=__name__,
        examples=EXAMPLES,
        help="One API on this machine for language models and for the lifecycle of applications.\n\n"
        "Without a command it shows what is going on, and what to do next.",
        callback=_overview_unless_told,
        invoke_without_command=True,
    )
)


def main() -> None:
    """Run the command line and exit."""
    CLI(prog_name="hecate")
