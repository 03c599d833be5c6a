"""Text from a design is fit for the place where it stands."""

from __future__ import annotations

import ast
import json
import tomllib

from hypothesis import given, strategies as st

from hecate.generate_division.skeleton.project import Field
from hecate.generate_division.skeleton.wording import docstring, json_of, markdown, paragraphs, plain, quoted
from tests.generate_division.skeleton.any_design import names, texts


@given(names | texts, texts, st.sampled_from([0, 4]))
def test_any_text_is_a_docstring(summary: str, description: str, indent: int) -> None:
    """Nothing in it ends it, and nothing runs otherwise than it reads."""
    text = docstring(summary, description, indent=indent)
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.Expr)
    assert isinstance(node.value, ast.Constant)
    assert isinstance(node.value.value, str)
    assert all(character.isprintable() or character in "\n\u200c\u200d" or ord(character) > 255 for character in text)


@given(names | texts)
def test_any_text_is_a_string_of_toml_and_json(text: str) -> None:
    """And comes back as it was, in one line."""
    assert tomllib.loads(f"text = {quoted(text)}")["text"] == plain(text)
    assert json.loads(quoted(text)) == plain(text)


def test_what_is_not_seen_is_left_out() -> None:
    """Such as what turns the direction of what follows."""
    assert plain("a\u202eb\u200bc\nd\x00") == "a b c d"


def test_paragraphs_are_kept_and_wrapped() -> None:
    """To a width that one can read."""
    first, second = paragraphs(f"one\ntwo\n\n{'three ' * 30}\n").split("\n\n")
    assert first == "one two"
    assert all(len(line) <= 100 for line in second.splitlines())


def test_markdown_means_what_it_says() -> None:
    """No link, no heading, no HTML."""
    assert markdown("# [a](b) <b>_c_</b>") == r"\# \[a\]\(b\) \<b\>\_c\_\</b\>"


def test_an_object_of_many_fields_takes_many_lines() -> None:
    """One that is short takes one."""
    fields = [Field(f"field_{number}", "int", "") for number in range(20)]
    assert json_of(fields[:2]) == '{"field_0": 1, "field_1": 1}'
    assert len(json_of(fields).splitlines()) == 22
