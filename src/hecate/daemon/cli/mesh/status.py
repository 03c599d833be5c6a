"""``hecate mesh status``: is this daemon in the mesh?"""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Status, asked
from hecate.daemon.cli.session import Session


@command("status", examples=("hecate mesh status",))
@click.pass_obj
def status(session: Session) -> None:
    """Show whether this daemon is in a mesh, and as whom."""
    with session.client() as client:
        answer = session.show(client, asked("/api/mesh/status", Status))
    if answer is not None:
        session.output.details(answer.shown())


CLI = status
