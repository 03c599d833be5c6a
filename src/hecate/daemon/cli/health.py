"""``hecate health``: is the daemon there?"""

from __future__ import annotations

from datetime import timedelta

import click

from hecate.client import questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("health", examples=("hecate health", "hecate health --json"))
@click.pass_obj
def health(session: Session) -> None:
    """Show whether the daemon is there, its version and its age."""
    with session.client() as client:
        answer = session.show(client, questions.health())
        if answer is not None:
            session.output.details(
                {
                    "status": answer.status,
                    "version": answer.version,
                    "up": timedelta(seconds=answer.uptime_seconds),
                    "socket": client.socket_path,
                }
            )


CLI = health
