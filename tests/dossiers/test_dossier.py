"""The dossier: what it answers, whichever way its events have come to it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, strategies as st

from hecate.dossiers.dossier import Dossier
from hecate.dossiers.lifecycle import Archived, Completed, Paused, Resumed, Started
from hecate.dossiers.messages import Event
from tests.dossiers.shelf import FILL_SHELF, BookPut


def dossier_of(*events: Event) -> Dossier:
    """Return a dossier in which *events* were recorded one after the other, at 1, 2 and so on."""
    dossier = Dossier(FILL_SHELF, "v-1", "v-1")
    for at, event in enumerate(events, start=1):
        dossier.record(event, at)
    return dossier


def book(title: str, copy: int = 1, book_id: str = "book-1") -> BookPut:
    """Return the event of a book."""
    return BookPut(book_id=book_id, title=title, copy=copy)


def test_an_empty_dossier_is_pending() -> None:
    """Nothing has happened, and every question has an answer."""
    dossier = Dossier(FILL_SHELF, "v-1", "v-1")
    assert (dossier.stream, dossier.version, dossier.state) == ("filling-v-1", 0, "pending")
    assert not dossier.has(BookPut)
    assert dossier.find(BookPut, title="Emma") is None
    assert list(dossier.all(BookPut)) == []
    assert dossier.version == 0


def test_it_tells_what_has_happened_by_any_fields() -> None:
    """An event is found by one field, by several in any order, or by its kind alone."""
    dossier = dossier_of(Started(iteration=1), book("Emma"), book("Emma", 2), book("Persuasion"))
    assert dossier.has(BookPut, title="Emma")
    assert dossier.has(BookPut, title="Emma", copy=2)
    assert dossier.has(BookPut, copy=2, title="Emma")
    assert not dossier.has(BookPut, title="Persuasion", copy=2)
    assert dossier.has(Started)
    assert not dossier.has(Completed)
    assert [event.title for event in dossier.all(BookPut)] == ["Emma", "Emma", "Persuasion"]


def test_it_finds_the_newest() -> None:
    """Of events alike the last one counts, whether it came before the question was first asked or after."""
    dossier = dossier_of(book("Emma", book_id="old"), book("Emma", book_id="new"))
    found = dossier.find(BookPut, title="Emma")
    assert found is not None
    assert found.book_id == "new"
    dossier.record(book("Emma", book_id="newest"), 9)
    found = dossier.find(BookPut, title="Emma")
    assert found is not None
    assert found.book_id == "newest"
    assert dossier.find(BookPut) == book("Emma", book_id="newest")


def test_a_question_about_a_field_that_is_not_there_is_a_bug() -> None:
    """A misspelt field does not answer "no"."""
    with pytest.raises(AttributeError):
        dossier_of(book("Emma")).has(BookPut, titel="Emma")


def test_an_id_has_the_prefix_and_what_the_engine_laid_beside() -> None:
    """``decide`` makes ids without reading a clock."""
    dossier = dossier_of()
    dossier.next_id = "0193f2a1"
    assert dossier.new_id("book") == "book-0193f2a1"


EVENTS = st.lists(
    st.one_of(
        st.builds(book, st.sampled_from(["Emma", "Persuasion"]), st.integers(1, 2), st.sampled_from(["a", "b"])),
        st.builds(Started, iteration=st.integers(1, 3)),
        st.builds(Paused, reason=st.sampled_from(["", "rain"])),
        st.just(Resumed()),
        st.just(Completed()),
        st.just(Archived(reason="full")),
    ),
    max_size=30,
)


@given(EVENTS, st.integers(0, 30))
def test_replaying_gives_what_recording_gave(events: list[Event], cut: int) -> None:
    """Recorded, replayed, or replayed in part and then recorded: the same dossier, also to earlier questions."""
    recorded, replayed = dossier_of(*events), dossier_of(*events[:cut])
    replayed.has(BookPut, title="Emma")
    replayed.replay([(event, at) for at, event in enumerate(events, start=1)][cut:])
    assert replayed.version == recorded.version == len(events)
    assert msgspec.structs.asdict(replayed.progress) == msgspec.structs.asdict(recorded.progress)
    for title in ("Emma", "Persuasion"):
        assert replayed.find(BookPut, title=title) == recorded.find(BookPut, title=title)
    for kind in (BookPut, Started, Paused):
        assert list(replayed.all(kind)) == list(recorded.all(kind))
