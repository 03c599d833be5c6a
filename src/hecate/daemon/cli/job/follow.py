"""``hecate job follow``."""

from __future__ import annotations

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.job_following import follow
from hecate.daemon.cli.session import Session


@command("follow", examples=("hecate job follow job-0193f2a1b3c000112345",))
@click.argument("job")
@click.pass_obj
def follow_job(session: Session, job: str) -> None:
    """Print what a job prints, until it has ended.

    Ctrl-C ends the following, not the job.  The exit code is 1 if what was asked for has not come about.
    """
    with session.client() as client:
        follow(session, client, job)


CLI = follow_job
