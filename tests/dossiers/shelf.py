"""A small domain for tests of the engine: shelves, and the books on them.

open_shelf begins a shelf; fill_shelf is a long process in which books are put; lend_shelf is
restartable and usually comes after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.engine import Engine, Handled, Order
from hecate.dossiers.errors import Refused
from hecate.dossiers.forgotten import VentureForgotten
from hecate.dossiers.item_list import Item, ItemList
from hecate.dossiers.lifecycle import LONG, RESTARTABLE, Start
from hecate.dossiers.messages import Command, Event
from hecate.dossiers.process import Lifecycle, Process, Subject
from hecate.dossiers.read_model import Fact, Meta, ReadModel

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier, Progress

SHELF = Subject("shelf", "shelf_id", "SELECT id FROM shelves WHERE id = ?")
UNSHELVABLE = "unshelvable"
"""A title that no read model takes: its command fails after its event was written."""


class OpenShelf(Command, frozen=True):
    """Ask for a shelf."""

    name: str = "novels"


class ShelfOpened(Event, frozen=True):
    """There is a shelf."""

    name: str


class PutBook(Command, frozen=True):
    """Ask for books on the shelf; a book that is there already is passed over."""

    title: str
    copies: int = 1


class BookPut(Event, frozen=True):
    """A book is on the shelf."""

    book_id: str
    title: str
    copy: int = 1


class Stumble(Command, frozen=True):
    """Ask for what only a bug answers."""


def open_shelf(_dossier: Dossier, command: OpenShelf) -> Sequence[Event]:
    """Begin a shelf."""
    return [ShelfOpened(name=command.name)]


def put_book(dossier: Dossier, command: PutBook) -> Sequence[Event]:
    """Put the copies that are not there yet.

    Raises:
        Refused: The title is "forbidden".
    """
    if command.title == "forbidden":
        raise Refused("'forbidden' is on no shelf")
    return [
        BookPut(book_id=dossier.new_id("book"), title=command.title, copy=copy)
        for copy in range(1, command.copies + 1)
        if not dossier.has(BookPut, title=command.title, copy=copy)
    ]


def stumble(_dossier: Dossier, _command: Stumble) -> Sequence[Event]:
    """Be a bug."""
    raise ZeroDivisionError("a bug in a desk")


def evolve(progress: Progress, event: Event, recorded_at: int) -> None:
    """Move a shelf on: it is open once it was opened."""
    if isinstance(event, ShelfOpened):
        progress.state = "open"
        progress.started_at = recorded_at


OPEN = Desk(
    path="",
    command=OpenShelf,
    events=(ShelfOpened,),
    decide=open_shelf,
    states=frozenset({"pending"}),
    makes_subject=True,
    example=Example(when=OpenShelf(), then=(ShelfOpened(name="novels"),)),
    answer=lambda fact: {"name": getattr(fact.event, "name", "")},
)
PUT = Desk(
    path="book",
    command=PutBook,
    events=(BookPut,),
    decide=put_book,
    makes="book_id",
    example=Example(when=PutBook(title="Emma"), then=(BookPut(book_id="book-", title="Emma"),)),
)
STUMBLE = Desk(path="stumble", command=Stumble, events=(), decide=stumble, example=Example(when=Stumble(), then=()))

OPEN_SHELF = Process(
    name="open_shelf",
    number=1,
    phase="dna",
    path="/api/shelves",
    noun="opening",
    subject=SHELF,
    lifecycle=Lifecycle(
        evolve=evolve, status={"pending": 0, "open": 1}, moving=frozenset({ShelfOpened}), facts=(VentureForgotten,)
    ),
)
FILL_SHELF = Process(
    name="fill_shelf",
    number=2,
    phase="anp",
    path="/api/shelves/{shelf_id}/fill",
    noun="filling",
    subject=SHELF,
    lifecycle=LONG,
)
LEND_SHELF = Process(
    name="lend_shelf",
    number=3,
    phase="dno",
    path="/api/shelves/{shelf_id}/lend",
    noun="lending",
    subject=SHELF,
    lifecycle=RESTARTABLE,
    comes_after="fill_shelf",
)
DESKS: Mapping[Process, Sequence[Desk]] = {
    OPEN_SHELF: (OPEN,),
    FILL_SHELF: (PUT, STUMBLE, *LONG.desks),
    LEND_SHELF: RESTARTABLE.desks,
}
BOOKS = ItemList(name="books", items={"book_put_v1": Item("book", "book_id")})


def keep_shelf(db: apsw.Connection, fact: Fact) -> None:
    """Keep that there is a shelf."""
    db.execute("INSERT INTO shelves VALUES (?)", (fact.subject_id,))


def keep_title(db: apsw.Connection, fact: Fact) -> None:
    """Keep the book's title."""
    assert isinstance(fact.event, BookPut)
    db.execute("INSERT INTO titles VALUES (?, ?, ?)", (fact.subject_id, fact.position, fact.event.title))


def keep_count(db: apsw.Connection, fact: Fact) -> None:
    """Keep how many titles there were when this one came: it reads another read model."""
    (count,) = db.execute("SELECT count(*) FROM titles WHERE shelf_id = ?", (fact.subject_id,)).fetchone() or (0,)
    db.execute("INSERT INTO title_counts VALUES (?, ?, ?)", (fact.subject_id, fact.position, count))


SHELVES = ReadModel(
    name="shelves",
    schema="CREATE TABLE shelves (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;",
    projections={"shelf_opened_v1": keep_shelf},
)
TITLES = ReadModel(
    name="titles",
    schema=f"""
        CREATE TABLE titles (shelf_id TEXT NOT NULL, position INTEGER NOT NULL,
                             title TEXT NOT NULL CHECK (title <> '{UNSHELVABLE}')) STRICT;
        CREATE INDEX titles_by_shelf ON titles (shelf_id);
    """,
    projections={"book_put_v1": keep_title},
)
TITLE_COUNTS = ReadModel(
    name="title_counts",
    schema="CREATE TABLE title_counts (shelf_id TEXT NOT NULL, position INTEGER NOT NULL, count INTEGER) STRICT;",
    projections={"book_put_v1": keep_count},
    after=("titles",),
)
# Not in the order in which they must see a fact.
READ_MODELS = (TITLE_COUNTS, TITLES, SHELVES)


def order(process: Process, command: Command, subject_id: str = "", key: str = "", **options: Any) -> Order:
    """Return *command* on its way to its desk of *process*."""
    (desk,) = [desk for desk in DESKS[process] if desk.command is type(command)]
    fingerprint = hashlib.sha256(msgspec.json.encode(command)).digest() if key else b""
    return Order(
        process=process,
        desk=desk,
        command=command,
        subject_id=subject_id,
        key=key,
        fingerprint=fingerprint,
        **{"meta": Meta(correlation_id="test"), **options},
    )


def carry_out(engine: Engine, *orders: Order) -> list[Handled]:
    """Carry out *orders* one after the other, from a thread."""
    submit = engine.store.writer.submit_from_thread
    return [submit(lambda db, at=given: engine.carry_out(db, at)).result() for given in orders]  # type: ignore[misc]


def new_shelf(engine: Engine, *, filling: bool = True) -> str:
    """Open a shelf, start to fill it, and return its id."""
    (opened,) = carry_out(engine, order(OPEN_SHELF, OpenShelf()))
    shelf_id: str = msgspec.json.decode(opened.body)["id"]
    if filling:
        carry_out(engine, order(FILL_SHELF, Start(), shelf_id))
    return shelf_id


def content(handled: Handled) -> dict[str, Any]:
    """Return the answer's body, read as JSON."""
    body: dict[str, Any] = msgspec.json.decode(handled.body)
    return body
