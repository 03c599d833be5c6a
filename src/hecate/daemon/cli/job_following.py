"""Following a job on the terminal: its output as it comes, what it is at on the last line, and how it ended."""

from __future__ import annotations

import sys

import click

from hecate.client import Client, questions
from hecate.client.answers import Job
from hecate.daemon.cli.exit_codes import INTERRUPTED, REFUSED
from hecate.daemon.cli.output import Output, printable
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.values import in_short


def follow(session: Session, client: Client, job_id: str) -> None:
    """Print what the job tells until it has ended, and exit with 1 if what was asked for has not come about.

    Ctrl-C ends the following and not the job.
    """
    status = StatusLine(session.output)
    try:
        with client.follow_job(job_id) as messages:
            for message in messages:
                if message.type == "output" and not session.as_json:
                    status.clear()
                    session.output.piece(message.line + "\n")
                elif message.type == "progress":
                    status.show(message.message)
    except KeyboardInterrupt:
        status.clear()
        session.output.note(f"the job goes on: hecate job follow {job_id}, or hecate job cancel {job_id}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        status.clear()
    show_end(session, client, job_id)


def show_end(session: Session, client: Client, job_id: str) -> None:
    """Print how a job has ended."""
    job = session.show(client, questions.job(job_id))
    if job is None:
        job = client.job(job_id)
    else:
        print_job(session.output, job)
    if not has_come_about(job):
        raise click.exceptions.Exit(REFUSED)


def print_job(output: Output, job: Job) -> None:
    """Print a job without its output."""
    took = "" if job.duration_ms is None else f"{job.duration_ms / 1000:.1f} s"
    output.details(
        {
            "job": job.id,
            "process": job.process,
            "command": job.action,
            "state": job.state,
            "took": took,
            "at": "" if job.is_finished else job.message,
            "recorded": ", ".join(event.type for event in job.events),
        }
    )
    for event in job.events[-1:]:
        # Its own id comes first, and is what a next command asks for; whose it is has been said.
        own_id = next(iter(event.data), "")
        told = {name: value for name, value in event.data.items() if name == own_id or not name.endswith("_id")}
        output.details({name: in_short(value) for name, value in told.items()})
    if job.error:
        output.note(job.error, word="Error:", colour="red")


def has_come_about(job: Job) -> bool:
    """Tell whether what the command asked for has happened: a suite may run to its end and fail."""
    last = job.events[-1] if job.events else None
    if job.state != "succeeded" or last is None:
        return job.state == "succeeded"
    return "_failed_" not in last.type and last.data.get("outcome", "passed") == "passed"


class StatusLine:
    """What the job is at, on the last line of a terminal; elsewhere each news is a line of standard error."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._in_place = sys.stderr.isatty()
        self._shown = ""

    def show(self, text: str) -> None:
        """Show *text* instead of what was shown."""
        if text == self._shown:
            return
        if self._in_place:
            click.echo(f"\r\x1b[K{printable(text)}", nl=False, err=True)
        else:
            self._output.note(text)
        self._shown = text

    def clear(self) -> None:
        """Take the line away."""
        if self._in_place and self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
        self._shown = ""
