"""``hecate providers``: where the models come from."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import CommandFolder
from hecate.daemon.cli.providers.list import list_


@click.pass_context
def _list_unless_told(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


CLI = CommandFolder(
    "providers",
    package=__name__,
    examples=(
        "hecate providers",
        "hecate providers add groq",
        "hecate providers add my-vllm --url http://gpu:8000/v1 --no-key",
        "hecate providers remove groq",
    ),
    help="Show, add and remove the providers of models.  Without a command they are listed.",
    callback=_list_unless_told,
    invoke_without_command=True,
)
