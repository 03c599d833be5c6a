"""Item lists: a dossier's events as pages of items."""

from __future__ import annotations

from typing import Any

from hecate.dossiers.engine import Engine
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.event_types import EventTypes, Upcaster
from hecate.dossiers.item_list import ItemList
from tests.dossiers.reading import indexes_used
from tests.dossiers.shelf import BOOKS, DESKS, FILL_SHELF, PutBook, carry_out, new_shelf, order

Page = tuple[list[dict[str, Any]], int | None]


def page(engine: Engine, shelf_id: str, after: int = 0, limit: int = 50, items: ItemList = BOOKS) -> Page:
    """Return a page of a shelf's books."""
    stream = FILL_SHELF.stream_of(shelf_id)
    return engine.store.read_from_thread(lambda db: items.page(db, stream, engine.event_types, after, limit)).result(10)


def test_an_item_has_the_events_fields_and_where_it_stands(engine: Engine) -> None:
    """Its id is the one that the event made; its kind is the list's word for it."""
    shelf_id = new_shelf(engine)
    carry_out(engine, order(FILL_SHELF, PutBook("Emma"), shelf_id))
    (item,), following = page(engine, shelf_id)
    assert item["id"] == item["book_id"]
    assert item["id"].startswith("book-")
    assert (item["kind"], item["title"], item["copy"], item["position"]) == ("book", "Emma", 1, 3)
    assert item["recorded_at"].endswith("Z")
    assert following is None


def test_pages_follow_each_other_and_each_item_is_on_one(engine: Engine) -> None:
    """The next page begins after the last item; other shelves and other events are not in between."""
    shelf_id, other = new_shelf(engine), new_shelf(engine)
    for number in range(5):
        carry_out(engine, *(order(FILL_SHELF, PutBook(f"{number}"), at) for at in (shelf_id, other)))
    titles: list[str] = []
    after: int | None = 0
    sizes: list[int] = []
    while after is not None:
        items, after = page(engine, shelf_id, after, limit=2)
        titles += [item["title"] for item in items]
        sizes.append(len(items))
    assert titles == ["0", "1", "2", "3", "4"]
    assert sizes == [2, 2, 1]
    assert page(engine, shelf_id, limit=5)[1] is None


def test_a_process_that_has_not_begun_has_no_items(engine: Engine) -> None:
    """Neither has a list of no kind of item."""
    assert page(engine, new_shelf(engine, filling=False)) == ([], None)
    assert page(engine, new_shelf(engine), items=ItemList(name="nothing")) == ([], None)


def test_a_page_is_found_by_its_stream(engine: Engine) -> None:
    """However many events of the kind there are elsewhere."""
    (used,) = engine.store.read_from_thread(
        lambda db: indexes_used(db, lambda at: BOOKS.page(at, "filling-1", engine.event_types, 0, 10))
    ).result(10)
    assert used.endswith("(stream=?)")


def test_an_event_of_an_earlier_version_is_an_item_of_today(store: EventStore) -> None:
    """The list names today's event; what was stored under an older name is in it, in its place."""
    types = EventTypes(DESKS.items(), [Upcaster("book_placed_v1", "book_put_v1", lambda old: {**old, "copy": 7})])
    events = [
        NewEvent("book_placed_v1", '{"book_id":"book-1","title":"Emma"}'),
        NewEvent("book_put_v1", '{"book_id":"book-2","title":"Persuasion","copy":1}'),
    ]
    store.writer.submit_from_thread(lambda db: store.append(db, "filling-1", events)).result(10)
    items, _ = store.read_from_thread(lambda db: BOOKS.page(db, "filling-1", types, 0, 10)).result(10)
    assert [(item["id"], item["title"], item["copy"]) for item in items] == [
        ("book-1", "Emma", 7),
        ("book-2", "Persuasion", 1),
    ]
