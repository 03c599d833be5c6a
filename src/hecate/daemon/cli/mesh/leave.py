"""``hecate mesh leave``: be in the mesh no more."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Status, told
from hecate.daemon.cli.session import Session


@command("leave", examples=("hecate mesh leave",))
@click.option("--even-as-keeper", is_flag=True, help="Give the realm's authority up for ever.")
@click.pass_obj
def leave(session: Session, even_as_keeper: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Leave the mesh.

    The daemon keeps its identity; to come back it needs another invitation.
    """
    with session.client() as client:
        answer = session.show(client, told("/api/mesh/leave", {"even_as_keeper": even_as_keeper}, Status))
    if answer is not None:
        session.output.details(answer.shown())


CLI = leave
