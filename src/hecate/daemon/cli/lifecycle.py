"""The five verbs of every long process, as commands on a venture's discovery and on a division's processes."""

from __future__ import annotations

from collections.abc import Callable

import click

from hecate.client.questions import discovery_path, division_path
from hecate.daemon.cli.command_folder import Command, command
from hecate.daemon.cli.names import division_argument, division_id, process_argument, venture_argument, venture_id
from hecate.daemon.cli.session import Session

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def discovery_command(verb: str, text: str, *, takes_reason: bool = False) -> Command:
    """Return the command ``hecate venture VERB-discovery``; *text* is its help."""

    @command(f"{verb}-discovery", help=text, examples=(f"hecate venture {verb}-discovery my-saas",))
    @venture_argument()
    @_reason(takes_reason)
    @click.pass_obj
    def send(session: Session, venture: str, reason: str | None = None) -> None:
        with session.client() as client:
            session.send(client, discovery_path(venture_id(client, venture), verb), {"reason": reason})

    return send


def division_command(verb: str, text: str, *, takes_reason: bool = False) -> Command:
    """Return the command ``hecate division VERB``; *text* is its help."""

    @command(verb, help=text, examples=(f"hecate division {verb} auth design",))
    @division_argument()
    @process_argument()
    @_reason(takes_reason)
    @click.pass_obj
    def send(session: Session, division: str, process: str, reason: str | None = None) -> None:
        with session.client() as client:
            path = division_path(division_id(client, division), process, verb)
            session.send(client, path, {"reason": reason})

    return send


def _reason(taken: bool) -> Decorator:  # noqa: FBT001 - private, one argument
    return click.option("--reason", help="Why.") if taken else lambda function: function
