"""``hecate venture discover``: process 2 finds a division."""

from __future__ import annotations

import click

from hecate.client.questions import discovery_path
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command(
    "discover",
    examples=(
        'hecate venture discover my-saas auth --description "Who may do what"',
        'hecate venture discover my-saas billing --rationale "Money has rules of its own"',
    ),
)
@venture_argument()
@click.argument("name", metavar="DIVISION")
@click.option("--description", help="What the division is about.")
@click.option("--rationale", help="Why it is one of its own.")
@click.pass_obj
def discover(session: Session, venture: str, name: str, description: str | None, rationale: str | None) -> None:
    """Discover a division of a venture.

    The discovery must be active: see `hecate venture start-discovery`.
    """
    with session.client() as client:
        path = discovery_path(venture_id(client, venture), "discover")
        session.send(client, path, {"division_name": name, "description": description, "rationale": rationale})


CLI = discover
