"""Text from a design, fit for the place in the generated files where it stands: the filters of the templates."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable

from hecate.generate_division.skeleton.project import Field

WIDTH = 100
"""Columns of a paragraph."""

# Control characters, surrogates, and what is not seen or turns the direction of the text around it: source that reads
# otherwise than it runs.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_PARAGRAPHS = re.compile(r"\n\s*\n")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def plain(text: str) -> str:
    """Return *text* in one line, without what is not seen."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def prose(text: str) -> str:
    """Return *text* for a docstring's line."""
    return plain(text).replace("\\", "\\\\").replace('"', "'")


def paragraphs(text: str) -> str:
    """Return *text* for a docstring of several lines: wrapped, its paragraphs kept."""
    return "\n\n".join(
        textwrap.fill(prose(paragraph), WIDTH, break_long_words=False, break_on_hyphens=False)
        for paragraph in _PARAGRAPHS.split(text)
        if prose(paragraph)
    )


def docstring(summary: str, description: str = "", example: str = "", indent: int = 0) -> str:
    """Return a whole docstring, in as many lines as it takes.

    Args:
        summary: Its first line, without a period.
        description: Paragraphs that follow.
        example: A block between the two, which is made of ASCII without triple quotes.
        indent: Columns before each line but the first.
    """
    parts = [f"{prose(summary)}.", example, paragraphs(description)]
    text = "\n\n".join(part for part in parts if part)
    text = f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"{' ' * indent}{line}" if line else "" for line in rest)])


def markdown(text: str) -> str:
    """Return *text* as it is read in Markdown."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def quoted(text: str) -> str:
    """Return *text* as a string of TOML, YAML or JSON."""
    return json.dumps(plain(text), ensure_ascii=False)


def json_of(fields: Iterable[Field]) -> str:
    """Return an object with a value for each of *fields*, in one line if that is not too long."""
    values = {field.name: field.sample_value for field in fields}
    line = json.dumps(values)
    return line if len(line) <= WIDTH else json.dumps(values, indent=4)
