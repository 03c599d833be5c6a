"""``hecate division graph``: which desk needs which?"""

from __future__ import annotations

import click

from hecate.client.views import graph as graph_of
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import division_argument, division_id
from hecate.daemon.cli.session import Session


@command(
    "graph",
    examples=(
        "hecate division graph my-saas/auth",
        "hecate division graph auth --format dot | dot -Tsvg > auth.svg",
    ),
)
@division_argument()
@click.option(
    "--format",
    "form",
    type=click.Choice(("mermaid", "dot", "json")),
    default="mermaid",
    show_default=True,
    help="For Mermaid, for Graphviz, or for a program.",
)
@click.pass_obj
def graph(session: Session, *, division: str, form: str) -> None:
    """Draw the planned desks of a division, and which needs which.

    An arrow leads from a desk to one that it needs.
    """
    with session.client() as client:
        answer = client.fetch(graph_of(division_id(client, division), "json" if session.as_json else form))
    session.output.raw(answer.raw.removesuffix(b"\n"))


CLI = graph
