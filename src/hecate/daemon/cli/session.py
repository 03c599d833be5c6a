"""What holds for one run of the command line: which daemon, and how to print."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hecate.client import Client
from hecate.client.question import Question
from hecate.client.questions import command
from hecate.daemon.cli.output import Output
from hecate.daemon.cli.working import Working


@dataclass
class Session:
    """The options that every command takes, and what follows from them."""

    socket: Path | None = None
    as_json: bool = False
    """Whether the daemon's answers are printed as they are."""
    colour: bool | None = None
    """None: as the terminal can."""

    def client(self) -> Client:
        """Return a client of the daemon that was asked for."""
        return Client(self.socket)

    @property
    def output(self) -> Output:
        """Where answers are printed."""
        return Output(as_json=self.as_json, colour=self.colour)

    def send(self, client: Client, path: str, fields: Mapping[str, Any], *, wait: bool = True) -> None:
        """Send a command, print what it did, and what can be done next.

        Fields that are None are left out.  Where a job does the work, it is followed to its end if *wait* is set.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        # A key of its own, so that the client may send it again if the connection breaks.
        question = command(path, given, idempotency_key=os.urandom(16).hex(), expected_version=None)
        with Working("the daemon is at it"):
            answer = client.fetch(question)
        output = self.output
        if answer.value.job_id and wait:
            # Most commands leave no job, and their start must not wait for what only jobs need.
            from hecate.daemon.cli.job_following import follow  # noqa: PLC0415

            for warning in answer.value.warnings:
                output.note(warning, word="Warning:", colour="yellow")
            follow(self, client, answer.value.job_id)
            return
        if self.as_json:
            output.raw(answer.raw)
            return
        done = answer.value
        output.details(
            {
                "id": done.id,
                "job": done.job_id,
                "process": done.process,
                "state": done.state,
                "recorded": ", ".join(event.type for event in done.events) or "nothing new",
                "next": ", ".join(done.available_actions),
            }
        )
        for warning in done.warnings:
            output.note(warning, word="Warning:", colour="yellow")

    def show(self, client: Client, question: Question[Any]) -> Any | None:
        """Return the answer to *question*, or print it and return None if raw answers were asked for."""
        with Working("the daemon is at it"):
            answer = client.fetch(question)
        if self.as_json:
            self.output.raw(answer.raw)
            return None
        return answer.value


def session_options() -> list[click.Option]:
    """Return the options that every command takes, before and after its name."""
    return [
        _option("--socket", "socket", "The daemon's socket.  [env var: HECATE_SOCKET]", metavar="PATH", type=_PATH),
        _option("--json", "as_json", "Print the daemon's answer as it is, for scripts.", is_flag=True),
        _option("--no-color", "colour", "Print without colours.  [env var: NO_COLOR]", is_flag=True, flag_value=False),
    ]


_PATH = click.Path(path_type=Path)


def _option(name: str, field: str, text: str, **attributes: Any) -> click.Option:
    def keep(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        session = ctx.ensure_object(Session)
        # Given before the command's name, it holds unless it is given after it too.
        if value is not None:
            setattr(session, field, value)
        if session.colour is False or os.environ.get("NO_COLOR"):
            ctx.color = session.colour = False

    return click.Option(
        [name, f"session_{field}"], help=text, callback=keep, expose_value=False, default=None, **attributes
    )
