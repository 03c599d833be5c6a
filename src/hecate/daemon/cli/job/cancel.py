"""``hecate job cancel``."""

from __future__ import annotations

import click

from hecate.client import questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.job_following import print_job
from hecate.daemon.cli.session import Session


@command("cancel", examples=("hecate job cancel job-0193f2a1b3c000112345",))
@click.argument("job")
@click.pass_obj
def cancel(session: Session, job: str) -> None:
    """End a job and all that it has started."""
    with session.client() as client:
        ended = session.show(client, questions.cancel_job(job))
        if ended is not None:
            print_job(session.output, ended)


CLI = cancel
