"""``hecate mesh join``: enter another daemon's mesh."""

from __future__ import annotations

import sys

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.mesh.asking import Status, told
from hecate.daemon.cli.session import Session


@command("join", examples=("hecate mesh join INVITATION", "ssh workstation hecate mesh invite | hecate mesh join -"))
@click.argument("invitation")
@click.pass_obj
def join(session: Session, invitation: str) -> None:
    """Enter the mesh that INVITATION is for.

    - reads it from standard input.
    """
    word = sys.stdin.readline() if invitation == "-" else invitation
    with session.client() as client:
        answer = session.show(client, told("/api/mesh/join", {"invitation": word.strip()}, Status))
    if answer is not None:
        session.output.details(answer.shown())


CLI = join
