"""Desks that refer to what others have recorded, and desks that leave work only now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hecate.dossiers.desk import Desk, Example, Reference, Work
from hecate.dossiers.engine import Engine, Handled, Order
from hecate.dossiers.errors import InvalidState, Refused
from hecate.dossiers.lifecycle import RESTARTABLE, Start
from hecate.dossiers.messages import Command, Event
from tests.dossiers.shelf import DESKS, FILL_SHELF, LEND_SHELF, OPEN_SHELF, READ_MODELS, OpenShelf, PutBook

BOOK_OF_SHELF = """
SELECT 1 FROM events WHERE stream = 'filling-' || ?2 AND type = 'book_put_v1' AND data ->> 'title' = ?1
"""


class LendBook(Command, frozen=True):
    """Ask for a book, which may have to be fetched first."""

    title: str = ""
    fetch: bool = False


class BookLent(Event, frozen=True):
    """The book is with a reader."""

    title: str


async def fetch(_job: Any) -> Command:
    """Never begin: no job is run here."""
    raise AssertionError


RECORD = Desk(path="", command=LendBook, events=(), decide=lambda *_: (), example=Example(when=LendBook(), then=()))
LEND = Desk(
    path="book",
    command=LendBook,
    events=(BookLent,),
    decide=lambda _, command: [] if command.fetch else [BookLent(command.title)],
    example=Example(when=LendBook(title="Emma"), then=(BookLent("Emma"),)),
    status=202,
    refers_to=(Reference("title", "book", BOOK_OF_SHELF),),
    work=Work(do=fetch, record=RECORD, needed=lambda command: command.fetch),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine whose books can be lent."""
    desks = {**DESKS, LEND_SHELF: (LEND, *RESTARTABLE.desks)}
    with closing(Engine.open(tmp_path / "hecate.db", desks, read_models=READ_MODELS)) as engine:
        yield engine


async def ask(engine: Engine, process: Any, command: Command, subject_id: str = "") -> Handled:
    """Send *command* to its desk."""
    (desk,) = (desk for desk in engine.desks[process] if desk.command is type(command))
    return await engine.handle(Order(process=process, desk=desk, command=command, subject_id=subject_id))


async def shelf_with(engine: Engine, title: str) -> str:
    """Return a shelf with one book, from which books are lent."""
    opened = await ask(engine, OPEN_SHELF, OpenShelf())
    shelf_id: str = msgspec.json.decode(opened.body)["id"]
    for process in (FILL_SHELF, LEND_SHELF):
        await ask(engine, process, Start(), shelf_id)
    await ask(engine, FILL_SHELF, PutBook(title=title), shelf_id)
    return shelf_id


async def test_what_a_command_names_must_be_recorded(engine: Engine) -> None:
    """By another process of the same subject; the sentence names the kind, the value and the subject."""
    shelf_id = await shelf_with(engine, "Emma")
    assert (await ask(engine, LEND_SHELF, LendBook(title="Emma"), shelf_id)).version == 2
    other = await shelf_with(engine, "Persuasion")
    with pytest.raises(Refused, match=f"there is no book 'Emma' in shelf '{other}'"):
        await ask(engine, LEND_SHELF, LendBook(title="Emma"), other)


async def test_nothing_named_is_for_the_desk_to_judge(engine: Engine) -> None:
    """An empty field refers to nothing."""
    shelf_id = await shelf_with(engine, "Emma")
    assert (await ask(engine, LEND_SHELF, LendBook(), shelf_id)).version == 2


async def test_the_state_is_told_first(engine: Engine) -> None:
    """A command that would not be taken anyway is refused for its state."""
    opened = await ask(engine, OPEN_SHELF, OpenShelf())
    with pytest.raises(InvalidState):
        await ask(engine, LEND_SHELF, LendBook(title="none"), msgspec.json.decode(opened.body)["id"])


async def test_only_what_leaves_work_leaves_a_job(engine: Engine) -> None:
    """One desk answers 201 when all is decided, and 202 with a job when something is left to do."""
    shelf_id = await shelf_with(engine, "Emma")
    at_once = await ask(engine, LEND_SHELF, LendBook(title="Emma"), shelf_id)
    assert at_once.status == 201
    assert "job_id" not in msgspec.json.decode(at_once.body)
    later = await ask(engine, LEND_SHELF, LendBook(title="Emma", fetch=True), shelf_id)
    answer = msgspec.json.decode(later.body)
    assert (later.status, answer["events"], answer["job"]["state"]) == (202, [], "queued")
    jobs = await engine.store.read(lambda db: db.execute("SELECT id, process, desk FROM jobs").fetchall())
    assert jobs == [(answer["job_id"], "lend_shelf", "book")]
