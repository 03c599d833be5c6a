"""``hecate`` alone: what is going on, and what to do next."""

from __future__ import annotations

from datetime import timedelta

import click
import msgspec

from hecate.client import Client, DaemonUnreachable, model_questions
from hecate.client.answers import Job
from hecate.client.model_answers import Provider
from hecate.client.views import Board, board as board_of
from hecate.daemon.cli.board import SIGNS
from hecate.daemon.cli.exit_codes import UNREACHABLE
from hecate.daemon.cli.next_steps import Step, next_steps
from hecate.daemon.cli.output import Output, coloured, one_line
from hecate.daemon.cli.session import Session

MOST_VENTURES = 10
MOST_JOBS = 10


class Overview(msgspec.Struct, frozen=True):
    """What ``hecate --json`` prints."""

    running: bool
    socket: str
    error: str = ""
    """Why the daemon could not be asked, with what to do about it."""
    version: str = ""
    uptime_seconds: int = 0
    ventures: tuple[Board, ...] = ()
    more_ventures: bool = False
    """Whether there are others that are not shown."""
    jobs: tuple[Job, ...] = ()
    """Running and queued."""
    providers: tuple[Provider, ...] = ()
    next_steps: tuple[Step, ...] = ()


def show_overview(session: Session) -> None:
    """Print it; exit code 3 where the daemon cannot be reached, as every command has it."""
    with session.client() as client:
        try:
            shown = _ask(client)
        except DaemonUnreachable as error:
            steps = (
                Step("hecate serve", "start the daemon here, until Ctrl-C"),
                Step("systemctl --user start hecate", "start it as a service"),
                Step("hecate init", "be led through providers, workspace and service"),
            )
            shown = Overview(False, str(client.socket_path), error=error.message, next_steps=steps)
    if session.as_json:
        session.output.raw(msgspec.json.encode(shown))
    else:
        _print(session.output, shown)
    if not shown.running:
        raise click.exceptions.Exit(UNREACHABLE)


def _ask(client: Client) -> Overview:
    health = client.health()
    page = client.ventures(limit=MOST_VENTURES, newest_first=True)
    boards = tuple(client.fetch(board_of(venture.id)).value for venture in page.ventures)
    states = ("running", "queued")
    jobs = tuple(job for state in states for job in client.jobs(limit=MOST_JOBS, state=state).jobs)
    providers = client.fetch(model_questions.provider_list()).value.providers
    return Overview(
        running=True,
        socket=str(client.socket_path),
        version=health.version,
        uptime_seconds=health.uptime_seconds,
        error=health.error,
        ventures=boards,
        more_ventures=page.next is not None,
        jobs=jobs,
        providers=providers,
        next_steps=next_steps(boards, providers),
    )


def _print(output: Output, shown: Overview) -> None:
    if not shown.running:
        output.note(shown.error, word="Error:", colour="red")
    else:
        up = timedelta(seconds=shown.uptime_seconds)
        _line(output, "daemon", f"{shown.version}, up {up}, at {shown.socket}")
        if shown.error:
            output.note(shown.error, word="Warning:", colour="yellow")
        _line(output, "models", ", ".join(map(_provider, shown.providers)) or "no provider")
        for board in shown.ventures:
            _venture(output, board)
        if shown.more_ventures:
            output.note(f"these are the newest {MOST_VENTURES} ventures: hecate venture list")
        for job in shown.jobs:
            what = f"{job.process.removesuffix('_division')}/{job.action}"
            _line(output, "job", f"{job.id}  {what}  {coloured(job.state)}  {one_line(job.message)}")
    if shown.next_steps and output.for_people:
        output.gap()
        output.styled(click.style("What to do next", bold=True))
        width = max(len(step.command) for step in shown.next_steps)
        for step in shown.next_steps:
            output.styled(f"  {one_line(step.command).ljust(width)}  {click.style(one_line(step.purpose), dim=True)}")
        output.styled(f"  {'hecate --help'.ljust(width)}  {click.style('see all commands', dim=True)}")
    elif not output.for_people:
        for step in shown.next_steps:
            output.styled(f"next\t{one_line(step.command)}\t{one_line(step.purpose)}")


def _venture(output: Output, board: Board) -> None:
    divisions = ", ".join(
        f"{division.name} {SIGNS.get(division.state, division.state)} {division.process.removesuffix('_division')}"
        for division in board.divisions
    )
    _line(output, "venture", f"{one_line(board.name)}: {one_line(divisions) or 'no division yet'}")
    for division in board.divisions:
        for incident in division.open_incidents:
            found = f"{division.name}: {incident.severity} {incident.title}"
            _line(output, "incident", click.style(one_line(found), fg="red"))


def _line(output: Output, label: str, text: str) -> None:
    if output.for_people:
        output.styled(f"{click.style(label.ljust(8), bold=True)}  {text}")
    else:
        output.styled(f"{label}\t{text}")


def _provider(provider: Provider) -> str:
    name, health = one_line(provider.name), provider.health
    if health.status == "healthy":
        return f"{name} ({health.models} models)" if health.models != 1 else f"{name} (1 model)"
    return f"{name} ({coloured(health.status.replace('_', ' '))})"
