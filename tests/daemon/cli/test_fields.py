"""Fields on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from hecate.daemon.cli.api_commands import ApiCommand, Field
from hecate.daemon.cli.fields import fields_of

KINDS = {
    "name": "string",
    "count": "integer",
    "share": "number",
    "draft": "boolean",
    "flags": "array",
    "extra": "object",
}
COMMAND = ApiCommand(
    "design/aggregate", "", "", tuple(Field(name, kind, is_required=name == "name") for name, kind in KINDS.items())
)


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("name=user",), {"name": "user"}),
        (("name=",), {"name": ""}),
        (("name=a=b, c\nd",), {"name": "a=b, c\nd"}),
        (("name=7",), {"name": "7"}),
        (("name=x", "count=7", "share=0.5", "draft=true"), {"name": "x", "count": 7, "share": 0.5, "draft": True}),
        (("name=x", "flags=A,B"), {"name": "x", "flags": ["A", "B"]}),
        (("name=x", "flags=A", "flags=B,C"), {"name": "x", "flags": ["A", "B", "C"]}),
        (("name=x", "flags="), {"name": "x", "flags": []}),
        (("name=x", 'flags:=["a,b"]', "flags=C"), {"name": "x", "flags": ["a,b", "C"]}),
        (("name=x", 'extra:={"a": [1]}'), {"name": "x", "extra": {"a": [1]}}),
        (("name=first", "name=second"), {"name": "second"}),
    ],
)
def test_a_value_has_the_type_that_the_command_wants(words: tuple[str, ...], body: dict[str, Any]) -> None:
    """Text stays text, whatever it looks like; numbers, lists and JSON become what they are."""
    assert fields_of(words, COMMAND) == body


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    """The whole text, its commas and line ends included."""
    (tmp_path / "text").write_text("a, b\nc\n")
    words = (f"name=@{tmp_path}/text", f"flags=@{tmp_path}/text")
    assert fields_of(words, COMMAND) == {"name": "a, b\nc\n", "flags": ["a, b\nc\n"]}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "needs name=…"),
        (("name",), "'name' is not a field. Write FIELD=VALUE"),
        (("name=x", "nam=y"), r"has no field 'nam'; it has name\*, count, share, draft, flags\[\], extra"),
        (("name=x", "count=many"), "count is a number, not 'many'"),
        (("name=x", "draft=yes"), "draft is true or false, not 'yes'"),
        (("name=x", "extra=y"), "extra is an object: extra:="),
        (("name=x", "extra:={"), "extra:= wants JSON"),
        (("name=@/nowhere/at/all",), "cannot read /nowhere/at/all"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(words: tuple[str, ...], complaint: str) -> None:
    """Each sentence says what would be right."""
    with pytest.raises(click.UsageError, match=complaint):
        fields_of(words, COMMAND)
