"""``hecate venture archive``."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command("archive", examples=('hecate venture archive my-saas --reason "merged into another"',))
@venture_argument()
@click.option("--reason", help="Why.")
@click.pass_obj
def archive(session: Session, venture: str, reason: str | None) -> None:
    """Put a venture away; lists no longer show it."""
    with session.client() as client:
        session.send(client, f"/api/ventures/{venture_id(client, venture)}/archive", {"reason": reason})


CLI = archive
