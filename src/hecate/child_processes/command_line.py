"""Command lines as callers write them: a text, quoted as for a shell, or a list of words."""

from __future__ import annotations

import shlex

from hecate.dossiers.errors import Invalid

MOST_WORDS = 1000
LONGEST_COMMAND = 100_000
"""In characters, all its words together."""

# Bounds and patterns are looked at in `words_of`: msgspec 0.22 reads foreign memory where a pattern of a str is in a
# union with a tuple, and `msgspec.convert` is given such a value.
CommandLine = str | tuple[str, ...]
"""The program and its arguments; no shell reads them.  Empty: none."""


def words_of(command: CommandLine, field: str = "command") -> tuple[str, ...]:
    """Return the words of *command*; none where it is empty.

    Args:
        command: As it was given.
        field: Where it was given, for the error.

    Raises:
        Invalid: A quote is not closed, the program's name is empty, there is a NUL in it, or it is too long.
    """
    at = f" - at `$.{field}`"
    length = len(command) if isinstance(command, str) else sum(map(len, command))
    if length > LONGEST_COMMAND:
        raise Invalid(f"a command has at most {LONGEST_COMMAND:,} characters{at}")
    try:
        words = tuple(shlex.split(command)) if isinstance(command, str) else command
    except ValueError as exc:
        raise Invalid(f"the command {command!r} cannot be read: {exc}{at}") from exc
    if len(words) > MOST_WORDS:
        raise Invalid(f"a command has at most {MOST_WORDS} words{at}")
    if any("\0" in word for word in words):
        raise Invalid(f"a command has no NUL characters{at}")
    if words and not words[0]:
        raise Invalid(f"the command {command!r} names no program{at}")
    return words
