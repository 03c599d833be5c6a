"""``hecate division list``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.client.client import PAGE_SIZE
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command("list", examples=("hecate division list my-saas",))
@venture_argument()
@click.option("--limit", type=click.IntRange(1, PAGE_SIZE), default=50, show_default=True, help="The most to show.")
@click.option("--after", help="Go on after a page: its `next`.", metavar="NEXT")
@click.pass_obj
def list_divisions(session: Session, venture: str, limit: int, after: str | None) -> None:
    """List the divisions of a venture, as they were discovered."""
    with session.client() as client:
        page = session.show(client, questions.divisions(venture_id(client, venture), limit=limit, after=after))
        if page is None:
            return
        output = session.output
        output.table(
            ("DIVISION", "ID", "PROCESS", "STATE", "HEALTH", "DESCRIPTION"),
            [(d.name, d.id, d.process, d.state, d.health, d.description) for d in page.divisions],
            if_empty=f"{venture} has no divisions yet: hecate venture discover {venture} NAME",
        )
        if page.next is not None:
            output.note(f"there are more: --after {page.next}")


CLI = list_divisions
