"""What a language model says, read as a struct."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import pytest
from hypothesis import given, strategies as st

from hecate.dossiers.messages import NAME_PATTERN, TEXT_PATTERN
from hecate.jobs.structured_answer import clean_name, clean_share, clean_text, read_answer, schema_of


class Bird(msgspec.Struct, frozen=True):
    """A bird."""

    name: Annotated[str, msgspec.Meta(description="in English")]
    colours: tuple[str, ...] = ()


class Birds(msgspec.Struct, frozen=True):
    """What was seen."""

    birds: tuple[Bird, ...]
    sure: float = 0.5


SEEN = '{"birds": [{"name": "jay", "colours": ["blue"]}]}'


@pytest.mark.parametrize(
    "text",
    [
        SEEN,
        f"```json\n{SEEN}\n```",
        f"Of course! Here it is:\n\n{SEEN}\n\nAnything else?",
        f'<think>Maybe {{"birds": [{{"name": "crow"}}]}}? No.</think>{SEEN}',
        f'Maybe {{"birds": [{{"name": "crow"}}]}}? No.\n</think>\n\n{SEEN}',
        f"The set {{jay}} is what I saw. {SEEN}",
        f'{{"comment": "first another object"}} {SEEN}',
        '{"birds": [{"name": "jay", "colours": ["blue"], "wings": 2}], "sure": "0.5"}',
        '{"birds": [{"name": "jay", "colours": ["blue"]}], "sure": NaN, "place": null}',
    ],
)
def test_an_answer_is_found_wherever_it_is(text: str) -> None:
    """In a fence, among talk, after thoughts; further fields are passed over, numbers may be in quotes."""
    assert read_answer(text, Birds).answer == Birds((Bird("jay", ("blue",)),))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("I saw a jay.", "there is no whole JSON object in the answer"),
        ('{"birds": "jay"}', "Expected `array`, got `str` - at `$.birds`"),
        ('{"birds": [{"colours": []}]}', "Object missing required field `name` - at `$.birds[0]`"),
        ('{"bir', "there is no whole JSON object in the answer"),
        ("{" * 100_000, "there is no whole JSON object in the answer"),
        ('{"birds":' * 100_000, "there is no whole JSON object in the answer"),
        ('{"birds": null}', "Object missing required field `birds`"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    """So that the model can do better; however long or deep it is."""
    assert read_answer(text, Birds) == (None, problem)


@given(st.text())
def test_any_text_is_read_or_has_a_problem(text: str) -> None:
    """Whatever a model says."""
    read = read_answer(text, Birds)
    assert (read.answer is None) == bool(read.problem)


def test_a_schema_is_closed_and_without_references() -> None:
    """As the strictest provider wants it: every field required, nothing besides."""
    schema = schema_of(Birds)
    bird = schema["properties"]["birds"]["items"]
    assert bird == {
        "type": "object",
        "description": "A bird.",
        "properties": {
            "name": {"type": "string", "description": "in English"},
            "colours": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name", "colours"],
        "additionalProperties": False,
    }
    assert "$" not in json.dumps(schema)


@given(st.text())
def test_a_clean_name_is_a_name_or_nothing(text: str) -> None:
    """What the desks take as one, and what can be stored."""
    name = clean_name(text)
    assert not name or msgspec.convert(name, Annotated[str, msgspec.Meta(max_length=200, pattern=NAME_PATTERN)])


@given(st.text() | st.from_regex(r"[\ud800-\udfff\0]{1,3}x"))
def test_a_clean_text_can_be_stored(text: str) -> None:
    """Without NUL, and without halves of characters."""
    cleaned = clean_text(text)
    msgspec.json.encode(cleaned)
    msgspec.convert(cleaned, Annotated[str, msgspec.Meta(pattern=TEXT_PATTERN)])


def test_a_name_loses_what_is_around_it() -> None:
    """Quotes, marks and line breaks."""
    assert clean_name(' **"Billing\n and  invoices"** ') == "Billing and invoices"
    assert clean_name("1.") == ""


@pytest.mark.parametrize(
    ("said", "meant"), [(0.8, 0.8), (80, 0.8), (-1, 0), (300, 1), (float("nan"), 0), (float("inf"), 0), (1, 1)]
)
def test_a_share_may_be_in_percent(said: float, meant: float) -> None:
    """And is never outside of 0 to 1."""
    assert clean_share(said) == meant
