"""``hecate venture setup``: process 1."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command(
    "setup", examples=('hecate venture setup my-saas --brief "A multi-tenant SaaS platform" --workspace ~/src/my-saas',)
)
@click.argument("name")
@click.option("--brief", help="What it is, in a sentence or two.")
@click.option("--workspace", help="The directory of its code.", type=click.Path(resolve_path=True), metavar="DIR")
@click.pass_obj
def setup(session: Session, name: str, brief: str | None, workspace: str | None) -> None:
    """Set up a venture."""
    with session.client() as client:
        session.send(client, "/api/ventures", {"name": name, "brief": brief, "workspace": workspace})


CLI = setup
