"""``hecate openapi``: what can the daemon do?"""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("openapi", examples=("hecate openapi > openapi.json", "hecate openapi | jq '.paths | keys'"))
@click.pass_obj
def openapi(session: Session) -> None:
    """Print the OpenAPI document of the daemon's API, as JSON."""
    with session.client() as client:
        session.output.raw(client.fetch(questions.openapi()).raw)


CLI = openapi
