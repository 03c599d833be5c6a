"""Writes the reference of the command line into ``docs/cli.md``: ``python -m tests.daemon.cli.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from hecate.daemon.cli import CLI
from hecate.daemon.cli.command_folder import Command, CommandFolder
from hecate.daemon.cli.exit_codes import MEANINGS
from hecate.daemon.cli.session import session_options

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"
BEGIN = "<!-- Below here the page is written by `python -m tests.daemon.cli.reference`. -->\n"


def all_commands(group: click.Group = CLI, path: str = "hecate") -> Iterator[tuple[str, Command | CommandFolder]]:
    """Yield every command with the words that call it, groups included and before their commands."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert isinstance(command, Command | CommandFolder)
        yield f"{path} {name}", command
        if isinstance(command, CommandFolder):
            yield from all_commands(command, f"{path} {name}")


def reference() -> str:
    """Return the generated part of the page."""
    return "\n".join(
        (
            *_section("Exit codes", ("| code | meaning |", "|---|---|")),
            *(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()),
            "",
            *_section("Options of every command", _options(session_options(), click.Context(CLI))),
            "",
            *(line for path, command in all_commands() for line in _command(path, command)),
        )
    )


def _section(title: str, lines: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines


def _command(path: str, command: Command | CommandFolder) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    arguments = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield from _section(f"`{' '.join((path, *arguments))}`", ())
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""
    everywhere = {option.name for option in session_options()}
    own = [one for one in command.params if isinstance(one, click.Option) and one.name not in everywhere]
    if own:
        yield from _options(own, context)
        yield ""
    yield "```sh"
    yield from command.examples
    yield "```"
    yield ""


def _options(options: list[click.Option], context: click.Context) -> Iterator[str]:
    yield "| option | what it does |"
    yield "|---|---|"
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            names, text = (part.replace("|", "\\|") for part in record)
            yield f"| `{names}` | {' '.join(text.split())} |"


def write() -> None:
    """Write the page, and what else is made of the commands: the manual, and the scripts for the Tab key."""
    # They are made of `all_commands`.
    from tests.daemon.cli import completion_scripts, manual  # noqa: PLC0415

    manual.write()
    completion_scripts.write()
    PAGE.write_text(PAGE.read_text().partition(BEGIN)[0] + BEGIN + "\n" + reference())


if __name__ == "__main__":
    write()
