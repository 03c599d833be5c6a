"""Stored names: which class stands behind each, and how old ones are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Unavailable
from hecate.dossiers.event_types import EventTypes, Upcaster
from hecate.dossiers.lifecycle import Started
from hecate.dossiers.messages import Event
from tests.dossiers.shelf import DESKS, FILL_SHELF, LEND_SHELF, BookPut, PutBook


class BookShelved(Event, frozen=True):
    """An event that has had three shapes."""

    schema_version: ClassVar[int] = 3
    title: str
    authors: tuple[str, ...]
    language: str


def with_authors(old: Mapping[str, Any]) -> Mapping[str, Any]:
    """Version 1 had one author, and none where it was unknown."""
    author = old.get("author")
    return {"title": old["title"], "authors": [author] if author else []}


def with_language(old: Mapping[str, Any]) -> Mapping[str, Any]:
    """Version 2 knew English books only."""
    return {**old, "language": "en"}


V1 = Upcaster("book_shelved_v1", "book_shelved_v2", with_authors)
V2 = Upcaster("book_shelved_v2", "book_shelved_v3", with_language)


def shelving(*kinds: type[Event]) -> Desk:
    """Return a desk that raises events of *kinds*."""
    return Desk(
        path="shelve",
        command=PutBook,
        events=kinds,
        decide=lambda _dossier, _command: (),
        example=Example(when=PutBook(title="Emma"), then=()),
    )


def types_of(*kinds: type[Event], upcasters: Sequence[Upcaster] = ()) -> EventTypes:
    """Return the types of one process with one desk."""
    return EventTypes([(FILL_SHELF, [shelving(*kinds)])], upcasters)


def test_names_are_those_of_the_desks_and_of_each_lifecycle() -> None:
    """A desk's events have names of their own, and so has a fact of no desk; a lifecycle's have one name a process."""
    lifecycle = {
        f"{noun}_{verb}_v1"
        for noun in ("filling", "lending")
        for verb in ("started", "paused", "resumed", "completed", "archived")
    }
    assert EventTypes(DESKS.items()).names == {"shelf_opened_v1", "book_put_v1", "venture_forgotten_v1", *lifecycle}


def test_an_event_comes_back_as_it_went() -> None:
    """Encoded and decoded under its name, in the process that it belongs to."""
    types = EventTypes(DESKS.items())
    for process, event in ((FILL_SHELF, BookPut(book_id="b", title="Zoë")), (LEND_SHELF, Started(iteration=2))):
        name = types.name_of(process, event)
        assert types.decode(name, types.encode(event)) == event
    assert types.name_of(FILL_SHELF, Started(iteration=1)) == "filling_started_v1"
    assert types.name_of(LEND_SHELF, Started(iteration=1)) == "lending_started_v1"


def test_an_old_event_is_read_as_today_through_every_version() -> None:
    """Version 1 becomes 2 becomes 3; what is stored stays as it was."""
    types = types_of(BookShelved, upcasters=[V2, V1])
    today = BookShelved(title="Emma", authors=("Austen",), language="en")
    assert types.decode("book_shelved_v1", '{"title":"Emma","author":"Austen"}') == today
    assert types.decode("book_shelved_v2", '{"title":"Emma","authors":["Austen"]}') == today
    assert types.decode("book_shelved_v3", types.encode(today)) == today
    assert types.decode("book_shelved_v1", '{"title":"Beowulf"}') == BookShelved(
        title="Beowulf", authors=(), language="en"
    )
    assert types.name_of(FILL_SHELF, today) == "book_shelved_v3"


def test_all_that_reads_as_a_name_is_found_by_it() -> None:
    """Projections, policies and lists name today's event, and mean the old ones too."""
    types = types_of(BookShelved, BookPut, upcasters=[V2, V1])
    assert types.versions_of("book_shelved_v3") == ("book_shelved_v3", "book_shelved_v2", "book_shelved_v1")
    assert types.versions_of("book_put_v1") == ("book_put_v1",)
    assert types.versions_of("of_another_version_of_hecate_v1") == ("of_another_version_of_hecate_v1",)
    assert {"book_shelved_v1", "book_shelved_v2"} < types.names


def test_an_event_may_have_got_another_name() -> None:
    """An upcaster may lead to any class, not only to the next number."""
    types = types_of(BookPut, upcasters=[Upcaster("book_placed_v1", "book_put_v1", lambda old: {**old, "copy": 1})])
    assert types.decode("book_placed_v1", '{"book_id":"b","title":"Emma"}') == BookPut(book_id="b", title="Emma")


def test_an_unknown_name_is_the_work_of_a_newer_version() -> None:
    """After a downgrade the daemon says what it cannot read, and does not guess."""
    with pytest.raises(Unavailable, match=r"'book_lost_v1'.*newer"):
        types_of(BookPut).decode("book_lost_v1", "{}")


def test_stored_fields_that_do_not_fit_are_a_bug() -> None:
    """A class that changed without a new version does not read old events as something else."""
    with pytest.raises(msgspec.ValidationError):
        types_of(BookPut).decode("book_put_v1", '{"book_id":"b"}')


class Twice:
    """A name for a second class of the same stored name."""

    class BookPut(Event, frozen=True):
        """Not the same book."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: types_of(BookPut, Twice.BookPut), "stored as book_put_v1"),
        (lambda: EventTypes([(FILL_SHELF, [shelving(BookPut)]), (LEND_SHELF, [shelving(BookPut)])]), "book_put_v1"),
        (lambda: types_of(BookShelved, upcasters=[V1]), "book_shelved_v2, which nothing can read"),
        (lambda: types_of(BookShelved, upcasters=[V1, V1, V2]), "book_shelved_v1 is read twice"),
        (lambda: types_of(BookPut, upcasters=[Upcaster("book_put_v1", "x", dict)]), "book_put_v1 is read twice"),
        (
            lambda: types_of(upcasters=[Upcaster("a_v1", "a_v2", dict), Upcaster("a_v2", "a_v1", dict)]),
            "a_v1 becomes a_v2 becomes a_v1",
        ),
    ],
)
def test_names_that_clash_or_lead_nowhere_stop_the_start(make: Callable[[], EventTypes], message: str) -> None:
    """What could not be read one day is found before anything is written."""
    with pytest.raises(ValueError, match=message):
        make()


def test_one_event_may_be_raised_at_two_desks_of_a_process() -> None:
    """It is one event, under one name."""
    types = EventTypes([(FILL_SHELF, [shelving(BookPut), shelving(BookPut)])])
    assert types.name_of(FILL_SHELF, BookPut(book_id="b", title="Emma")) == "book_put_v1"
