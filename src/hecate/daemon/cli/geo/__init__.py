"""``hecate geo``: in which country is this machine, and may the API answer there?"""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import CommandFolder
from hecate.daemon.cli.geo.status import status


@click.pass_context
def _status_unless_told(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


CLI = CommandFolder(
    "geo",
    package=__name__,
    examples=("hecate geo", "hecate geo check 8.8.8.8", "hecate geo reload"),
    help="Show in which country this is, and what follows from it.",
    callback=_status_unless_told,
    invoke_without_command=True,
)
