"""Messages: what a name may be, and under which name an event is stored."""

from __future__ import annotations

from typing import ClassVar, get_args

import msgspec
import pytest

from hecate.dossiers.messages import (
    PATTERNS_IN_WORDS,
    Command,
    Event,
    Name,
    OptionalName,
    Text,
    snake_case,
    stored_name,
)


class Everything(Command, frozen=True):
    """A command with a field of each kind."""

    name: Name = "name"
    optional_name: OptionalName = ""
    text: Text = ""


class BookPut(Event, frozen=True):
    """An event in its first version."""


class BookPutAside(Event, frozen=True):
    """An event whose fields have changed twice."""

    schema_version: ClassVar[int] = 3


@pytest.mark.parametrize(
    ("class_name", "snake"),
    [("Started", "started"), ("AggregateDesigned", "aggregate_designed"), ("Sha256Made", "sha256_made")],
)
def test_snake_case(class_name: str, snake: str) -> None:
    """A capital after a small letter or a digit begins a word."""
    assert snake_case(class_name) == snake


def test_an_event_is_stored_under_its_class_and_version() -> None:
    """The version is the class's; a lifecycle event has its process's noun before it."""
    assert stored_name(BookPut) == "book_put_v1"
    assert stored_name(BookPutAside) == "book_put_aside_v3"
    assert stored_name(BookPut, "filling") == "filling_book_put_v1"


def test_a_message_does_not_change() -> None:
    """What was asked, and what has happened, is as it is."""
    with pytest.raises(AttributeError):
        Everything().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("good", ["a", " a", "a ", "Zürich №1", "x" * 200, "\u00a0a", "名"])
def test_names(good: str) -> None:
    """A name is one line with something to see on it."""
    command = msgspec.json.decode(msgspec.json.encode({"name": good, "optional_name": good}), type=Everything)
    assert (command.name, command.optional_name) == (good, good)


@pytest.mark.parametrize("bad", ["", " ", "\u00a0", "a\n", "\na", "a\x00b", "\x7f", "x" * 201, "a\tb", "\u2003"])
def test_what_is_no_name(bad: str) -> None:
    """Nothing to see, a control character anywhere, or too much of it: refused."""
    with pytest.raises(msgspec.ValidationError, match=r"\$\.name"):
        msgspec.json.decode(msgspec.json.encode({"name": bad}), type=Everything)


@pytest.mark.parametrize("bad", ["a\n", "\n", "\x00", "x" * 201])
def test_what_is_no_optional_name(bad: str) -> None:
    """It may be empty or blank, and else is held to the same."""
    with pytest.raises(msgspec.ValidationError, match="optional_name"):
        msgspec.json.decode(msgspec.json.encode({"optional_name": bad}), type=Everything)


def test_text_has_lines_but_no_nul() -> None:
    """Text is anything of up to 100,000 characters that SQLite keeps whole."""
    for good in ("", "two\nlines\ttabbed\x7f", "x" * 100_000):
        assert msgspec.json.decode(msgspec.json.encode({"text": good}), type=Everything).text == good
    for bad in ("a\x00b", "a\x00", "\n\x00\n", "x" * 100_001):
        with pytest.raises(msgspec.ValidationError, match="text"):
            msgspec.json.decode(msgspec.json.encode({"text": bad}), type=Everything)


def test_every_pattern_is_told_in_words() -> None:
    """A caller is never shown a regular expression."""
    patterns = {get_args(kind)[1].pattern for kind in (Name, OptionalName, Text)}
    assert patterns == set(PATTERNS_IN_WORDS)
