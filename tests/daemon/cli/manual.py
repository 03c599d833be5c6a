"""Writes the manual pages into ``packaging/man``, from the commands themselves: ``python -m tests.daemon.cli.manual``.

A page for ``hecate``, and one for each of its commands, with the commands that this holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from hecate.daemon.cli import CLI
from hecate.daemon.cli.command_folder import Command, CommandFolder
from hecate.daemon.cli.exit_codes import MEANINGS
from hecate.daemon.cli.session import session_options

FOLDER = Path(__file__).parents[3] / "packaging" / "man"


def manual() -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    context = click.Context(CLI, info_name="hecate")
    commands = {name: CLI.get_command(context, name) for name in CLI.list_commands(context)}
    pages = {"hecate.1": "\n".join(_overview(context, commands)) + "\n"}
    for name, command in commands.items():
        assert isinstance(command, Command | CommandFolder)
        pages[f"hecate-{name}.1"] = "\n".join(_page(context, name, command)) + "\n"
    return pages


def write() -> None:
    """Write the pages, and take away those of commands that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pages = manual()
    for file in FOLDER.glob("*.1"):
        if file.name not in pages:
            file.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text)


def _overview(context: click.Context, commands: dict[str, click.Command | None]) -> Iterator[str]:
    yield from _head("hecate", (CLI.help or "").partition("\n")[0])
    yield from _synopsis(context, CLI)
    yield from _description(CLI.help)
    yield ".SH COMMANDS"
    for name, command in commands.items():
        assert command is not None
        yield from (".TP", rf"\fBhecate\-{_text(name)}\fR(1)", _text(command.get_short_help_str(200)))
    yield from _options(list(session_options()), context)
    yield ".SH ENVIRONMENT"
    yield from (".TP", r"\fBHECATE_SOCKET\fR", _text("The daemon's socket, if --socket does not say."))
    yield from (".TP", r"\fBNO_COLOR\fR", "Print without colours.")
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield from (".TP", rf"\fB{code}\fR", _text(meaning))
    yield from _examples(CLI.examples)


def _page(parent: click.Context, name: str, command: Command | CommandFolder) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield from _head(f"hecate-{name}", command.get_short_help_str(200))
    yield from _synopsis(context, command)
    yield from _description(command.help)
    yield from _options(_own(command), context)
    yield from _examples(command.examples)
    if isinstance(command, CommandFolder):
        yield ".SH COMMANDS"
        for below in command.list_commands(context):
            one = command.get_command(context, below)
            assert isinstance(one, Command | CommandFolder)
            inner = click.Context(one, info_name=below, parent=context)
            yield f".SS {_usage(inner, one)}"
            yield from _paragraphs(one.help)
            yield from _listed(_own(one), inner)
            yield from _code(one.examples)
    yield ".SH SEE ALSO"
    yield r"\fBhecate\fR(1), which has the options and exit codes of every command"


def _head(name: str, purpose: str) -> Iterator[str]:
    yield r".\" Written by `python -m tests.daemon.cli.manual`."
    yield f'.TH {_text(name.upper())} 1 "" "Hecate" "Hecate"'
    yield ".SH NAME"
    yield rf"{_text(name)} \- {_text(purpose.rstrip('.'))}"


def _synopsis(context: click.Context, command: click.Command) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield _usage(context, command)


def _usage(context: click.Context, command: click.Command) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return rf"\fB{_text(context.command_path)}\fR {_text(pieces)}"


def _description(text: str | None) -> Iterator[str]:
    yield ".SH DESCRIPTION"
    yield from _paragraphs(text)


def _paragraphs(text: str | None) -> Iterator[str]:
    for paragraph in (text or "").split("\n\n"):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _own(command: click.Command) -> list[click.Option]:
    everywhere = {option.name for option in session_options()}
    return [one for one in command.params if isinstance(one, click.Option) and one.name not in everywhere]


def _options(options: list[click.Option], context: click.Context) -> Iterator[str]:
    if options:
        yield ".SH OPTIONS"
        yield from _listed(options, context)


def _listed(options: list[click.Option], context: click.Context) -> Iterator[str]:
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(" ".join(record[1].split())))


def _examples(examples: tuple[str, ...]) -> Iterator[str]:
    if examples:
        yield ".SH EXAMPLES"
        yield from _code(examples)


def _code(lines: tuple[str, ...]) -> Iterator[str]:
    yield from (".PP", ".nf", ".RS")
    yield from map(_text, lines)
    yield from (".RE", ".fi")


def _text(text: str) -> str:
    """Return *text* so that nothing of it is a command of roff's."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    write()
