"""``hecate mesh init``: begin a mesh."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Status, told
from hecate.daemon.cli.session import Session


@command("init", examples=("hecate mesh init", "hecate mesh init --realm io.example"))
@click.option("--realm", default="home", show_default=True, help="What people call the mesh.", metavar="NAME")
@click.pass_obj
def init(session: Session, realm: str) -> None:
    """Begin a mesh.

    This daemon becomes its keeper: only here can others be invited and shut out.
    """
    with session.client() as client:
        answer = session.show(client, told("/api/mesh/init", {"realm": realm}, Status))
    if answer is not None:
        session.output.details(answer.shown())
        session.output.note("`hecate mesh invite` lets another daemon in")


CLI = init
