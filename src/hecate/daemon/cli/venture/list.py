"""``hecate venture list``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.client.client import PAGE_SIZE
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command(
    "list",
    examples=("hecate venture list", "hecate venture list --newest --limit 10", "hecate venture list --all --json"),
)
@click.option("--all", "include_archived", is_flag=True, help="Also those that were archived.")
@click.option("--newest", is_flag=True, help="The newest first.")
@click.option("--limit", type=click.IntRange(1, PAGE_SIZE), default=50, show_default=True, help="The most to show.")
@click.option("--after", help="Go on after a page: its `next`.", metavar="NEXT")
@click.pass_obj
def list_ventures(session: Session, limit: int, after: str | None, *, include_archived: bool, newest: bool) -> None:
    """List ventures, the oldest first."""
    with session.client() as client:
        question = questions.ventures(limit=limit, after=after, include_archived=include_archived, newest_first=newest)
        page = session.show(client, question)
        if page is None:
            return
        output = session.output
        output.table(
            ("VENTURE", "ID", "STATUS", "SET UP", "BRIEF"),
            [(v.name, v.id, v.status_label, v.setup_at, v.brief) for v in page.ventures],
            if_empty="there are no ventures yet: hecate venture setup NAME",
        )
        if page.next is not None:
            output.note(f"there are more: --after {page.next}")


CLI = list_ventures
