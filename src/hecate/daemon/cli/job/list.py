"""``hecate job list``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.client.client import PAGE_SIZE
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import division_id, venture_id
from hecate.daemon.cli.session import Session

STATES = ("queued", "running", "succeeded", "failed", "cancelled", "interrupted")


@command("list", examples=("hecate job list", "hecate job list --state failed --division my-saas/auth"))
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--venture", help="Only of this venture and its divisions.")
@click.option("--division", help="Only of this division.")
@click.option("--limit", type=click.IntRange(1, PAGE_SIZE), default=50, show_default=True, help="The most to show.")
@click.option("--after", help="Go on after a page: its `next`.", metavar="NEXT")
@click.pass_obj
def list_jobs(
    session: Session,
    *,
    state: str | None,
    venture: str | None,
    division: str | None,
    limit: int,
    after: str | None,
) -> None:
    """List jobs, the newest first."""
    with session.client() as client:
        chosen = {
            "state": state,
            "venture_id": venture_id(client, venture) if venture else None,
            "division_id": division_id(client, division) if division else None,
        }
        page = session.show(client, questions.jobs(limit=limit, after=after, **chosen))
        if page is None:
            return
        session.output.table(
            ("JOB", "COMMAND", "STATE", "BEGAN", "WHAT"),
            [
                (job.id, f"{job.process}/{job.action}", job.state, job.started_at, job.error or job.message)
                for job in page.jobs
            ],
            if_empty="there are no jobs",
        )
        if page.next is not None:
            session.output.note(f"there are more: --after {page.next}")


CLI = list_jobs
