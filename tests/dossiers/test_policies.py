"""Policies: what follows from a fact follows once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import apsw
import msgspec
import pytest
from structlog.testing import capture_logs

from hecate.dossiers.engine import Engine
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.event_types import Upcaster
from hecate.dossiers.hash_chain import StoredEvent
from hecate.dossiers.lifecycle import Complete, Start
from hecate.dossiers.messages import Event
from hecate.dossiers.policies import EVENTS_A_STEP, Policy, PolicyRunner, Reaction, checkpoint, keep_checkpoint
from hecate.dossiers.read_model import Actor, Meta
from tests.dossiers.conftest import OpenEngine
from tests.dossiers.failing_disk import FailingDisk
from tests.dossiers.shelf import FILL_SHELF, LEND_SHELF, OPEN_SHELF, BookPut, OpenShelf, PutBook, new_shelf, order

DEADLINE_SECONDS = 20.0


def lend(event: Event, shelf_id: str) -> Reaction | None:
    """Ask that a shelf is lent as soon as "Emma" is on it."""
    assert isinstance(event, BookPut)
    return Reaction(process="lend_shelf", subject_id=shelf_id, command=Start()) if event.title == "Emma" else None


LEND = Policy(name="on_book_put_maybe_start_lending", on=("book_put_v1",), react=lend)
FILL = Policy(
    name="on_shelf_opened_start_filling",
    on=("shelf_opened_v1",),
    react=lambda _event, shelf_id: Reaction(process="fill_shelf", subject_id=shelf_id, command=Start()),
)


def all_events(db: apsw.Connection) -> list[StoredEvent]:
    """Return every event."""
    return EventStore.events_after(db, 0, 100_000)


async def until(engine: Engine, question: Callable[[apsw.Connection], Any], running: asyncio.Task[None]) -> Any:
    """Return what *question* answers as soon as that is true of the store."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (answer := await engine.store.read(question)):
            assert not running.done(), running
            await asyncio.sleep(0.002)
    return answer


@asynccontextmanager
async def running(engine: Engine, *policies: Policy) -> AsyncIterator[asyncio.Task[None]]:
    """Have *policies* followed meanwhile."""
    runner = PolicyRunner(engine, policies, seconds_between_tries=0.001)
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def run_until_seen(engine: Engine, *policies: Policy) -> list[StoredEvent]:
    """Follow *policies* until each has seen every event that it is for; return all events."""

    def seen(db: apsw.Connection) -> bool:
        return not any(
            EventStore.events_after(db, checkpoint(db, policy.name), types=engine.event_types.versions_of(name))
            for policy in policies
            for name in policy.on
        )

    async with running(engine, *policies) as task:
        await until(engine, seen, task)
    return await engine.store.read(all_events)


def types_of(events: Sequence[StoredEvent]) -> list[str]:
    """Return the stored names."""
    return [event.type for event in events]


async def test_a_policy_asks_for_what_follows(engine: Engine) -> None:
    """Its command is carried out, and its event tells what it came from."""
    shelf_id = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Persuasion"), shelf_id))
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), shelf_id, meta=Meta(correlation_id="r-1")))
    *_, emma, started = await run_until_seen(engine, LEND)
    assert (started.type, started.stream) == ("lending_started_v1", LEND_SHELF.stream_of(shelf_id))
    assert msgspec.json.decode(started.meta, type=Meta) == Meta(
        correlation_id="r-1", causation_id=emma.event_id, actor=Actor(policy=LEND.name)
    )


async def test_a_policy_reacts_to_what_happens_while_it_follows(engine: Engine) -> None:
    """It is woken by what it waits for, and passes over what it does not."""

    def lendings(count: int) -> Callable[[apsw.Connection], bool]:
        return lambda db: types_of(all_events(db)).count("lending_started_v1") == count

    async with running(engine, LEND) as task:
        for count in (1, 2, 3):
            shelf_id = await asyncio.to_thread(new_shelf, engine)
            await engine.handle(order(FILL_SHELF, PutBook("Emma"), shelf_id))
            await until(engine, lendings(count), task)


async def test_after_a_restart_it_goes_on_from_its_checkpoint(open_engine: OpenEngine) -> None:
    """What it has reacted to is behind it, though it would react again; what came meanwhile is ahead."""
    seen: list[str] = []

    def see_and_lend(event: Event, shelf_id: str) -> Reaction | None:
        seen.append(shelf_id)
        return lend(event, shelf_id)

    policy = replace(LEND, react=see_and_lend)
    engine = open_engine()
    first = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), first))
    await run_until_seen(engine, policy)
    await engine.handle(order(LEND_SHELF, Complete(), first))
    second = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), second))
    engine.close()
    events = await run_until_seen(open_engine(), policy)
    assert seen == [first, second]
    assert [event.stream for event in events if event.type == "lending_started_v1"] == [
        LEND_SHELF.stream_of(first),
        LEND_SHELF.stream_of(second),
    ]


async def test_a_crash_before_the_checkpoint_does_not_make_it_act_twice(open_engine: OpenEngine) -> None:
    """The command is stored and the checkpoint is not: after the restart it is answered, not carried out again.

    Lending was completed meanwhile, so a second start would be taken.
    """
    engine = open_engine()
    shelf_id = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), shelf_id))
    await run_until_seen(engine, LEND)
    await engine.handle(order(LEND_SHELF, Complete(), shelf_id))
    before = await engine.store.read(all_events)
    await engine.store.writer.submit(lambda db: db.execute("DELETE FROM checkpoints"))
    engine.close()
    assert await run_until_seen(open_engine(), LEND) == before


async def test_a_refused_command_is_passed_over(engine: Engine) -> None:
    """A second copy asks again for what is under way: that is logged, and the next event's turn comes."""
    first, second = new_shelf(engine), new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma", copies=2), first))
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), second))
    with capture_logs() as logs:
        events = await run_until_seen(engine, LEND)
    assert types_of(events).count("lending_started_v1") == 2
    assert [entry["event"] for entry in logs] == ["policy refused"]


async def test_a_store_that_takes_nothing_is_waited_for(disk: FailingDisk, open_engine: OpenEngine) -> None:
    """A full disk is no refusal: the policy tries again until its command and its checkpoint are stored."""
    engine = open_engine()
    shelf_id = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), shelf_id))
    disk.on_write = apsw.FullError("no space left")
    with capture_logs() as logs:
        async with running(engine, LEND, FILL) as task:
            await until(engine, lambda _: sum(entry["event"] == "policy waits" for entry in logs) >= 6, task)
            disk.on_write = None
            await until(engine, lambda db: checkpoint(db, LEND.name) >= 3 and checkpoint(db, FILL.name) >= 1, task)
    events = await engine.store.read(all_events)
    assert types_of(events) == ["shelf_opened_v1", "filling_started_v1", "book_put_v1", "lending_started_v1"]
    assert [event.version for event in events] == [1, 1, 2, 1]


async def test_each_policy_has_a_checkpoint_of_its_own(engine: Engine) -> None:
    """One follows from what another one has asked for, and a new one begins at the beginning."""
    await engine.handle(order(OPEN_SHELF, OpenShelf()))
    filled = await run_until_seen(engine, FILL)
    assert types_of(filled) == ["shelf_opened_v1", "filling_started_v1"]
    await engine.handle(order(FILL_SHELF, PutBook("Emma"), filled[0].venture_id))
    await engine.handle(order(OPEN_SHELF, OpenShelf()))
    events = await run_until_seen(engine, FILL, LEND)
    assert sorted(types_of(events)[2:]) == [
        "book_put_v1",
        "filling_started_v1",
        "lending_started_v1",
        "shelf_opened_v1",
    ]


async def test_many_events_are_taken_in_steps(engine: Engine) -> None:
    """Each is reacted to once, also where a step is full to its end."""
    seen: list[int] = []

    def count(event: Event, _shelf_id: str) -> None:
        assert isinstance(event, BookPut)
        seen.append(event.copy)

    shelf_id = new_shelf(engine)
    await engine.handle(order(FILL_SHELF, PutBook("Emma", copies=2 * EVENTS_A_STEP), shelf_id))
    counting = Policy(name="count", on=("book_put_v1",), react=count)
    await run_until_seen(engine, counting)
    assert seen == list(range(1, 2 * EVENTS_A_STEP + 1))


async def test_a_policy_reacts_to_what_was_stored_under_an_earlier_name(
    open_engine: OpenEngine, store: EventStore
) -> None:
    """It names today's event, and an update of the daemon may come between a fact and its reaction."""
    store.close()
    engine = open_engine(upcasters=[Upcaster("book_placed_v1", "book_put_v1", lambda old: {**old, "copy": 1})])
    shelf_id = await asyncio.to_thread(new_shelf, engine)
    placed = [NewEvent("book_placed_v1", '{"book_id":"book-1","title":"Emma"}')]
    await engine.store.writer.submit(lambda db: engine.store.append(db, FILL_SHELF.stream_of(shelf_id), placed))
    assert types_of(await run_until_seen(engine, LEND))[-1] == "lending_started_v1"


def test_a_checkpoint_never_moves_back(store: EventStore) -> None:
    """Whoever comes late with an older one changes nothing."""
    for position, kept in ((5, 5), (3, 5), (5, 5), (6, 6)):
        store.writer.submit_from_thread(lambda db, at=position: keep_checkpoint(db, "p", at)).result(10)  # type: ignore[misc]
        assert store.read_from_thread(lambda db: checkpoint(db, "p")).result(10) == kept
    assert store.read_from_thread(lambda db: checkpoint(db, "other")).result(10) == 0


async def test_a_bug_in_a_policy_ends_the_run(engine: Engine) -> None:
    """It rises to whoever runs the policies, who tells and tries again."""

    def stumble(_event: Event, _shelf_id: str) -> None:
        raise ZeroDivisionError("a bug in a policy")

    await engine.handle(order(OPEN_SHELF, OpenShelf()))
    with pytest.raises(ExceptionGroup) as failure:
        await PolicyRunner(engine, [Policy(name="p", on=("shelf_opened_v1",), react=stumble)]).run()
    assert failure.group_contains(ZeroDivisionError)
    assert await engine.store.read(lambda db: checkpoint(db, "p")) == 0
