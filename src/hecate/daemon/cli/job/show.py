"""``hecate job show``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.job_following import print_job
from hecate.daemon.cli.session import Session


@command("show", examples=("hecate job show job-0193f2a1b3c000112345",))
@click.argument("job")
@click.option("--output/--no-output", "with_output", default=True, help="Whether to print what it has printed.")
@click.pass_obj
def show(session: Session, job: str, *, with_output: bool) -> None:
    """Show a job: what it has printed, and how it stands."""
    with session.client() as client:
        found = session.show(client, questions.job(job))
        if found is None:
            return
        if with_output:
            kept = found.output
            skipped = f"… {kept.skipped_lines} lines are not kept …" if kept.skipped_lines else ""
            for part in filter(None, (kept.head, skipped, kept.tail)):
                session.output.piece(part + "\n")
        print_job(session.output, found)


CLI = show
