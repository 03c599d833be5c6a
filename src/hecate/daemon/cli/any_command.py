"""``do``: any command of the API below a venture or a division, also those that came with a newer daemon."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches

import click
import msgspec

from hecate.client import Client
from hecate.daemon.cli.api_commands import ApiCommand, commands_below
from hecate.daemon.cli.command_folder import Command, command
from hecate.daemon.cli.fields import HOW, fields_of
from hecate.daemon.cli.session import Session

LIFECYCLE = ("start", "pause", "resume", "complete", "archive")


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
    @click.option("--no-wait", is_flag=True, help="Do not follow the job that does the work; print its id.")
    @click.pass_obj
    def do(session: Session, /, name: str | None, words: tuple[str, ...], no_wait: bool, **subject: str) -> None:  # noqa: FBT001
        with session.client() as client:
            known = commands_below(client.openapi(), prefix)
            if name is not None and name in known:
                body = fields_of(words, known[name])
                (word,) = subject.values()
                session.send(client, known[name].path_of(id_of(client, word)), body, wait=not no_wait)
            else:
                _list(session, known.values(), name)

    return do


def _list(session: Session, known: Collection[ApiCommand], process: str | None) -> None:
    """Print the commands, or those of one process.

    Raises:
        click.UsageError: It has none.
    """
    # The lifecycle's verbs are commands of their own, and would be most of the list; a service has verbs too.
    listed = [one for one in known if one.verb not in LIFECYCLE or one.name.count("/") > 1]
    if process is not None:
        listed = [one for one in listed if one.name.startswith(f"{process}/")]
        if not listed:
            processes = {one.name.partition("/")[0] for one in known}
            near = get_close_matches(process, [*processes, *(one.name for one in known)])
            meant = f"did you mean {' or '.join(near)}?" if near else "leave it out to see them all"
            raise click.UsageError(f"there is no command {process!r}; {meant}")
    if session.as_json:
        session.output.raw(msgspec.json.encode({"ok": True, "commands": listed}))
        return
    session.output.table(
        ("COMMAND", "FIELDS", "WHAT IT DOES"),
        [(one.name, " ".join(map(str, one.fields)), one.summary) for one in listed],
        if_empty="the daemon has no commands here",
    )


def _help(prefix: str) -> str:
    noun = prefix.removeprefix("/api/").removesuffix("s")
    return (
        f"Send any command to a {noun}, or list them.\n\n"
        "Without a COMMAND all are listed, with a process for one its own; those of the lifecycle have commands of "
        f"their own here.  In the list, * is a field that must be given and [] one that is a list. {HOW}."
    )
