"""The hash chain: what it is made of stays so for ever, and every change shows."""

from __future__ import annotations

from typing import Any

import pytest

from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken, link

ROW = (1, "filling-v-1", 1, "v-1", "id-1", "book_put_v1", '{"title":"Emma"}', "{}", 1_700_000_000_000)


def chain(count: int) -> list[StoredEvent]:
    """Return so many events that follow from each other."""
    events: list[StoredEvent] = []
    previous = GENESIS
    for position in range(1, count + 1):
        row = (position, "filling-v-1", position, "v-1", f"id-{position}", "book_put_v1", "{}", "{}", position)
        previous = link(previous, row)
        events.append(StoredEvent(*row, previous))
    return events


def test_the_hash_of_a_row_never_changes() -> None:
    """A store that was written yesterday must hold tomorrow: this digest is not to be edited."""
    assert link(GENESIS, ROW).hex() == "992e8d6cddf95155765ad6fcd143a533689c9ad2d5ec63b80a36cf96781ad358"


def test_a_sound_chain_is_whole() -> None:
    """From the beginning, from the middle, or with nothing in it."""
    events = chain(5)
    assert first_broken(GENESIS, events) is None
    assert first_broken(events[1].hash, events[2:]) is None
    assert first_broken(GENESIS, []) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position", 9),
        ("stream", "filling-v-2"),
        ("version", 4),
        ("venture_id", ""),
        ("event_id", "other"),
        ("type", "book_put_v2"),
        ("data", '{"a":1}'),
        ("meta", '{"actor":{}}'),
        ("recorded_at", 4),
        ("hash", bytes(32)),
    ],
)
def test_a_change_of_any_field_shows(field: str, value: Any) -> None:
    """The event that was changed is named."""
    events = chain(5)
    events[2] = events[2]._replace(**{field: value})
    assert first_broken(GENESIS, events) == (9 if field == "position" else 3)


def test_a_missing_an_added_and_a_swapped_event_show() -> None:
    """The first event that does not follow from the one before it is named."""
    events = chain(5)
    assert first_broken(GENESIS, events[1:]) == 2
    assert first_broken(GENESIS, [*events[:2], *events[3:]]) == 4
    assert first_broken(GENESIS, [events[0], events[0], *events[1:]]) == 1
    assert first_broken(GENESIS, [events[1], events[0]]) == 2


def test_fields_do_not_run_into_each_other() -> None:
    """Two rows with the same characters in other places have two hashes."""
    one = (1, "ab", 1, "c", "", "", "", "", 1)
    other = (1, "a", 1, "bc", "", "", "", "", 1)
    assert link(GENESIS, one) != link(GENESIS, other)
