"""The texts of events: which they are, and what stands for them in the hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Literal

import apsw
import msgspec
import pytest

from hecate.dossiers.messages import Event
from hecate.dossiers.schema import migrate
from hecate.dossiers.texts import KEY_BYTES, VentureKeys, committing, redacted, texts_of
from tests.dossiers.stored_events import StoredExample, event_types, stored_examples
from tests.golden_texts import GOLDEN_TEXTS, texts_as_lines
from tests.refresh import HOW

KEY = bytes(range(KEY_BYTES))
COMMITMENT = re.compile(r"\[forgotten [0-9a-f]{40}\]")
TYPES = event_types()
commit = committing(KEY)


class Page(msgspec.Struct, frozen=True):
    """Something in an event."""

    id: str
    heading: str
    kind: Literal["left", "right"] = "left"


class BookWritten(Event, frozen=True):
    """An event with all that one may have."""

    book_id: str
    author_ids: tuple[str, ...]
    title: str
    pages: tuple[Page, ...] = ()
    first: Page | None = None
    words: tuple[str, ...] = ()
    subtitle: str | None = None
    binding: Literal["hard", "soft"] = "soft"
    price: float | None = None


class Glossary(Event, frozen=True):
    """An event whose keys are somebody's words."""

    entries: dict[str, str]


# -- which they are


def test_every_string_is_a_text_but_ids_and_words_of_a_set() -> None:
    """Also in lists, and in what an event has of its own."""
    assert texts_of(BookWritten) == "title pages.heading first.heading words subtitle"


def test_an_event_cannot_have_keys_that_are_texts() -> None:
    """They would stay; so there is no such event."""
    with pytest.raises(TypeError, match="entries has keys of its own"):
        texts_of(Glossary)


def test_the_texts_of_every_event_are_those_of_the_golden_file() -> None:
    """Whoever adds a field sees here whether it goes with a venture that is forgotten."""
    assert GOLDEN_TEXTS.read_text() == texts_as_lines(), HOW


# -- the redacted form


def test_commitments_take_the_places_of_texts_and_nothing_else_changes() -> None:
    """Byte by byte: numbers, spaces, ids and fields that nobody knows stay as they are."""
    data = (
        '{"book_id":"book-1", "price":1.50,"title":"Emma","words":["a","","a"],'
        '"pages":[{"id":"1","heading":"I"}],"new":7}'
    )
    texts = "title words pages.heading subtitle"
    emma, a, one = commit("Emma"), commit("a"), commit("I")
    assert redacted(data, texts, commit) == (
        f'{{"book_id":"book-1","price":1.50,"title":"{emma}","words":["{a}","","{a}"],'
        f'"pages":[{{"id":"1","heading":"{one}"}}],"new":7}}'
    )


def test_a_commitment_never_changes() -> None:
    """A store that was written yesterday must hold tomorrow: this one is not to be edited."""
    assert commit("Ěmma") == "[forgotten c2b76e9a15488a88df048f79e504f9e7cd6294ce]"


def test_a_commitment_tells_equal_texts_and_no_more() -> None:
    """Of one venture; under another key it is another."""
    assert commit("Emma") == commit("Emma") != commit("emma")
    assert committing(bytes(KEY_BYTES))("Emma") != commit("Emma")
    assert COMMITMENT.fullmatch(commit("x" * 100_000))


@pytest.mark.parametrize("example", stored_examples(), ids=lambda example: example.type)
def test_every_event_can_be_read_without_its_texts(example: StoredExample) -> None:
    """What is left of it still is an event of its class, with the same ids, numbers and lengths."""
    texts = TYPES.texts_of(example.type)
    form = redacted(example.json, texts, commit)
    assert TYPES.encode(TYPES.decode(example.type, form)) == form
    before, after = list(_leaves(example.data)), list(_leaves(msgspec.json.decode(form)))
    assert [path for path, _ in before] == [path for path, _ in after]
    for (path, was), (_, now) in zip(before, after, strict=True):
        is_text = ".".join(part for part in path if not part.isdigit()) in texts.split()
        assert now == (commit(was) if is_text and was else was), path


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, str(number)))
    else:
        yield path, value


# -- the keys


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    """Give a store."""
    with closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        yield db


def test_a_venture_has_one_key_from_its_first_text_on(db: apsw.Connection) -> None:
    """It is made once, and another venture has another."""
    keys = VentureKeys()
    first = keys.made("v-1", db)("Emma")
    assert first == keys.made("v-1", db)("Emma") == VentureKeys().made("v-1", db)("Emma")
    assert first != keys.made("v-2", db)("Emma")
    stored = dict(db.execute("SELECT venture_id, key FROM venture_keys"))
    assert {len(bytes(key)) for key in stored.values()} == {KEY_BYTES}
    assert set(stored) == {"v-1", "v-2"}


def test_without_a_key_there_is_no_commitment(db: apsw.Connection) -> None:
    """Reading makes none."""
    assert VentureKeys(db).commit_of("v-1") is None
    assert db.execute("SELECT count(*) FROM venture_keys").fetchall() == [(0,)]
