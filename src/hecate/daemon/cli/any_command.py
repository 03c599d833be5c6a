"""``do``: any command of the API below a venture or a division, also those that came with a newer daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from hecate.client import Client
from hecate.daemon.cli.api_commands import commands_below
from hecate.daemon.cli.command_folder import Command, command
from hecate.daemon.cli.fields import HOW, fields_of
from hecate.daemon.cli.session import Session


def do_command(
    prefix: str,
    examples: Sequence[str],
    subject_argument: Callable[[Callable[..., None]], Callable[..., None]],
    id_of: Callable[[Client, str], str],
) -> Command:
    """Return the command ``do`` for the subjects below *prefix*.

    Args:
        prefix: ``/api/ventures`` or ``/api/divisions``.
        examples: Command lines.
        subject_argument: Gives the command its first argument.
        id_of: Finds the id of a subject by what was written.
    """

    @command("do", help=_help(prefix), examples=examples)
    @subject_argument
    @click.argument("name", metavar="[COMMAND]", required=False)
    @click.argument("words", metavar="[FIELD=VALUE]...", nargs=-1)
    @click.pass_obj
    def do(session: Session, /, name: str | None, words: tuple[str, ...], **subject: str) -> None:
        with session.client() as client:
            known = commands_below(client.openapi(), prefix)
            if name is None:
                session.output.table(
                    ("COMMAND", "FIELDS", "WHAT IT DOES"),
                    [(one.name, " ".join(map(str, one.fields)), one.summary) for one in known.values()],
                    if_empty="the daemon has no commands here",
                )
                return
            if name not in known:
                raise click.UsageError(f"there is no command {name!r}; there are {', '.join(known)}")
            body = fields_of(words, known[name])
            (word,) = subject.values()
            session.send(client, known[name].path_of(id_of(client, word)), body)

    return do


def _help(prefix: str) -> str:
    noun = prefix.removeprefix("/api/").removesuffix("s")
    return (
        f"Send any command to a {noun}; without a COMMAND, list them.\n\n"
        f"The commands and their fields are those of the daemon's OpenAPI document (* required, [] a list). {HOW}."
    )
