"""How answers are printed: tables for people, tab-separated lines for pipes, JSON where it was asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

import click

from hecate.daemon.cli.exit_codes import FAILED

COLOURS = {
    "active": "green",
    "archived": "bright_black",
    "cancelled": "yellow",
    "completed": "cyan",
    "degraded": "yellow",
    "down": "red",
    "failed": "red",
    "healthy": "green",
    "interrupted": "yellow",
    "not_configured": "bright_black",
    "ok": "green",
    "paused": "yellow",
    "pending": "bright_black",
    "queued": "bright_black",
    "running": "green",
    "succeeded": "cyan",
    "unhealthy": "red",
    "unknown": "bright_black",
}
"""Words of the domain that have a colour wherever they stand alone."""

# All control characters but tab and newline: what a model or another user wrote must not steer the terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """Prints to standard output, and notes to standard error.

    Args:
        as_json: Whether answers are printed as they came.
        colour: False for none; None for what the terminal can.
    """

    def __init__(self, *, as_json: bool = False, colour: bool | None = None) -> None:
        self.as_json = as_json
        self.colour = colour
        self.for_people = sys.stdout.isatty()

    def raw(self, answer: bytes) -> None:
        """Print JSON as it came, in one line."""
        self._write(answer + b"\n")

    def gap(self) -> None:
        """Set off what follows, for people."""
        if self.for_people:
            self._write("\n")

    def styled(self, text: str) -> None:
        """Print a line that is free of control characters but for its colours, which a pipe does without."""
        self._write(f"{text}\n" if self.for_people else f"{click.unstyle(text)}\n")

    def piece(self, text: str, *, colour: str | None = None) -> None:
        """Print a piece of a text, at once and without a line end."""
        text = printable(text) if self.for_people else text
        self._write(click.style(text, fg=colour) if colour else text)

    def draw(self, text: str) -> None:
        """Write to the terminal, with all that steers it: *text* is what we have made, not what others wrote."""
        self._write(text, colour=True)

    def note(self, text: str, *, word: str = "", colour: str | None = None) -> None:
        """Print a line to standard error, where it is not taken for the answer; *word* comes first, in *colour*."""
        first = f"{click.style(word, fg=colour)} " if word else ""
        click.echo(first + printable(text), err=True, color=self.colour)

    def details(self, fields: Mapping[str, object]) -> None:
        """Print a line for each field that has a value: aligned for people, tab-separated in a pipe."""
        shown = {name: value for name, value in fields.items() if value not in {None, ""}}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            if self.for_people:
                label = click.style(name.ljust(width), bold=True)
                self.styled(f"{label}  {coloured(str(value))}")
            else:
                self.styled(f"{name}\t{one_line(value)}")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, if_empty: str) -> None:
        """Print *rows*: a table for people; in a pipe one line each, tab-separated, without the heads of the columns.

        Args:
            columns: The heads.
            rows: A value for each column; None is empty.
            if_empty: What people are told when there are no rows.
        """
        if not self.for_people:
            for row in rows:
                self.styled("\t".join(one_line(value) for value in row))
            return
        filled = [[printable("" if value is None else str(value)) for value in row] for row in rows]
        if filled:
            self._write(_drawn(columns, filled, self.colour))
        else:
            self.note(if_empty)

    def _write(self, text: str | bytes, *, colour: bool | None = None) -> None:
        if colour is None:
            # Into a pipe text goes as it is; what must not come through was taken out above.
            colour = self.colour if self.for_people else True
        try:
            click.echo(text, nl=False, color=colour)
        except BrokenPipeError:
            discard_output()
            raise
        except OSError as exc:
            discard_output()
            raise OutputFailed(f"cannot write the output: {exc.strerror}") from exc


class OutputFailed(click.ClickException):
    """Standard output takes no more, as on a full disk."""

    exit_code = FAILED


def discard_output() -> None:
    """Give up what was not written yet: at exit it would be tried again, and complained about."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]], colour: bool | None) -> str:  # noqa: FBT001
    """Return a table as wide as the terminal."""
    # rich takes longer to import than most commands to run, and only tables need it.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value, style=COLOURS.get(value, "")) for value in row))
    console = Console(no_color=colour is False, highlight=False)
    with console.capture() as drawn:
        console.print(table)
    return drawn.get()


def printable(text: str) -> str:
    """Return *text* without control characters, but for tabs and newlines."""
    return _CONTROL.sub("", text)


def one_line(value: object) -> str:
    """Return *value* as a field of a line: without tabs, newlines and other control characters; None is empty."""
    return "" if value is None else " ".join(printable(str(value)).split())


def coloured(text: str) -> str:
    """Return *text*, in its colour if it is one of the domain's words."""
    text = printable(text)
    return click.style(text, fg=COLOURS[text]) if text in COLOURS else text
