"""``hecate venture workspace``."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command("workspace", examples=("hecate venture workspace my-saas ~/src/my-saas",))
@venture_argument()
@click.argument("folder", type=click.Path(resolve_path=True, file_okay=False), metavar="DIR")
@click.pass_obj
def workspace(session: Session, venture: str, folder: str) -> None:
    """Say where a venture's code is from now on."""
    with session.client() as client:
        session.send(client, f"/api/ventures/{venture_id(client, venture)}/workspace", {"workspace": folder})


CLI = workspace
