"""What goes into a dossier: commands ask, events record.

A command is a request and may be refused.  An event has happened; its stored name is its
class's name in the past tense with a version: ``AggregateDesigned`` is kept as
``aggregate_designed_v1`` for ever.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

import msgspec

# Python's ``$`` is before a newline at the end too, which the lookahead refuses.
NAME_PATTERN = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)"
OPTIONAL_NAME_PATTERN = r"^[^\x00-\x1f\x7f]*$(?!\n)"
TEXT_PATTERN = r"^[^\x00]*$"

PATTERNS_IN_WORDS = {
    NAME_PATTERN: "with a visible character and no control characters",
    OPTIONAL_NAME_PATTERN: "without control characters",
    TEXT_PATTERN: "without NUL characters",
}
"""What a caller is told instead of a regular expression."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NAME_PATTERN)]
"""One line of 1 to 200 characters, one of them visible."""

OptionalName = Annotated[str, msgspec.Meta(max_length=200, pattern=OPTIONAL_NAME_PATTERN)]
"""A `Name`, or empty for none."""

Text = Annotated[str, msgspec.Meta(max_length=100_000, pattern=TEXT_PATTERN)]
"""Any text of at most 100,000 characters, without NUL."""

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Command(msgspec.Struct, frozen=True):
    """A request to a desk; its fields are the JSON body."""


class Event(msgspec.Struct, frozen=True):
    """Something that has happened; its fields are stored as JSON and never change."""

    schema_version: ClassVar[int] = 1


def snake_case(class_name: str) -> str:
    """Return ``AggregateDesigned`` as ``aggregate_designed``."""
    return _WORD_START.sub("_", class_name).lower()


def stored_name(event: type[Event], noun: str = "") -> str:
    """Return the name under which *event* is stored: ``design_started_v1`` for noun ``design``."""
    verb = snake_case(event.__name__)
    return f"{noun}_{verb}_v{event.schema_version}" if noun else f"{verb}_v{event.schema_version}"
