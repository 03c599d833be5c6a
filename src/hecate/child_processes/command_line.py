"""Command lines as callers write them: a text, quoted as for a shell, or a list of words."""

from __future__ import annotations

import shlex
from typing import Annotated

from msgspec import Meta

from hecate.dossiers.errors import Invalid

MOST_WORDS = 1000

Word = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]
CommandLine = (
    Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]
    | Annotated[tuple[Word, ...], Meta(max_length=MOST_WORDS)]
)
"""The program and its arguments; no shell reads them.  Empty: none."""


def words_of(command: str | tuple[str, ...], field: str = "command") -> tuple[str, ...]:
    """Return the words of *command*; none where it is empty.

    Args:
        command: As it was given.
        field: Where it was given, for the error.

    Raises:
        Invalid: A quote is not closed, or the program's name is empty.
    """
    try:
        words = tuple(shlex.split(command)) if isinstance(command, str) else command
    except ValueError as exc:
        raise Invalid(f"the command {command!r} cannot be read: {exc} - at `$.{field}`") from exc
    if words and not words[0]:
        raise Invalid(f"the command {command!r} names no program - at `$.{field}`")
    return words
