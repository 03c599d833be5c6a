"""Names of streams, from patterns such as ``user-{user_id}`` that may be any text."""

from __future__ import annotations

import re

from hecate.generate_division.skeleton.identifiers import FIELDS, Names, slug
from hecate.generate_division.skeleton.project import Field

LONGEST_LITERAL = 24
"""Characters between two ids."""
MOST_IDS = 4

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.:/-]+")
# The generated code escapes all of these but letters and digits, and "_.~", in an id.
_TELLS_APART = re.compile(r"[:/-]")


def stream_parts(pattern: str, aggregate: str) -> tuple[str | Field, ...]:
    """Return the literal and the variable parts of *pattern*, in turn.

    There is at least one id, and no two different sets of ids make the same name: a pattern without an id gets one
    at its end, and two ids without anything between them that an id cannot hold get a dash.

    Args:
        pattern: As it was designed; empty for none.
        aggregate: The slug of the aggregate.
    """
    pieces = _PLACEHOLDER.split(pattern or aggregate)
    literals = [_NOT_PLAIN.sub("-", piece)[:LONGEST_LITERAL] for piece in pieces[::2]]
    ids = pieces[1::2][:MOST_IDS]
    names = Names({*FIELDS, "limit", "after"})  # a query has these parameters besides the ids
    parts: list[str | Field] = [literals[0]]
    for number, title in enumerate(ids):
        name = names.take(slug(title, f"{aggregate}_id"))
        following = literals[number + 1]
        if number + 1 < len(ids) and not _TELLS_APART.search(following):
            following += "-"
        parts += [Field(name, "str", title), following]
    if not ids:
        parts = [f"{literals[0].rstrip('-')}-", Field(names.take(slug(f"{aggregate}_id", "id")), "str", "")]
    return tuple(part for part in parts if part)
