"""``hecate venture show``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command("show", examples=("hecate venture show my-saas",))
@venture_argument()
@click.pass_obj
def show(session: Session, venture: str) -> None:
    """Show a venture, by its name or id."""
    with session.client() as client:
        found = session.show(client, questions.venture(venture_id(client, venture)))
        if found is not None:
            session.output.details(
                {
                    "name": found.name,
                    "id": found.id,
                    "status": found.status_label,
                    "brief": found.brief,
                    "workspace": found.workspace,
                    "set up": found.setup_at,
                    "next": ", ".join(found.available_actions),
                }
            )


CLI = show
