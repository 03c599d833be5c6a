"""The event log: appending, reading beside a writer, and waiting for what comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from hecate.dossiers.errors import Refused, Unavailable, VersionMoved
from hecate.dossiers.event_store import Appended, EventStore, NewEvent
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, first_broken
from tests.dossiers.failing_disk import FailingDisk
from tests.dossiers.reading import indexes_used


def events(count: int, kind: str = "book_put_v1") -> list[NewEvent]:
    """Return so many new events of a kind."""
    return [NewEvent(kind, f'{{"number":{number}}}') for number in range(count)]


def append(store: EventStore, stream: str, count: int = 1, **options: Any) -> list[Appended]:
    """Append so many events to a stream, in a unit of its own."""
    new = events(count, options.pop("kind", "book_put_v1"))
    return store.writer.submit_from_thread(lambda db: store.append(db, stream, new, **options)).result(10)


def log_of(store: EventStore, after: int = 0, limit: int = 10_000, **options: Any) -> list[StoredEvent]:
    """Return the events after a position."""
    return store.read_from_thread(lambda db: store.events_after(db, after, limit, **options)).result(10)


def is_whole(store: EventStore) -> bool:
    """Tell whether positions and versions are without a gap, and the chain holds."""
    log = log_of(store)
    versions: dict[str, int] = {}
    for event in log:
        versions[event.stream] = versions.get(event.stream, 0) + 1
        if versions[event.stream] != event.version:
            return False
    return [event.position for event in log] == list(range(1, len(log) + 1)) and first_broken(GENESIS, log) is None


def test_events_get_positions_versions_ids_and_hashes(store: EventStore) -> None:
    """Positions count all events, versions those of a stream; what is read is what was appended."""
    append(store, "filling-1", 2, venture_id="v-1", meta='{"correlation_id":"r"}', recorded_at=1000)
    (third,) = append(store, "filling-2", recorded_at=2000)
    log = log_of(store)
    assert [(event.position, event.stream, event.version) for event in log] == [
        (1, "filling-1", 1),
        (2, "filling-1", 2),
        (3, "filling-2", 1),
    ]
    assert log[0][3:4] + log[0][5:9] == ("v-1", "book_put_v1", '{"number":0}', '{"correlation_id":"r"}', 1000)
    assert (log[2].event_id, log[2].recorded_at) == (third.event_id, 2000)
    assert len({event.event_id for event in log}) == 3
    assert is_whole(store)
    assert store.head == 3


def test_an_id_may_be_the_callers_own(store: EventStore) -> None:
    """An event that has an id keeps it."""
    new = [NewEvent("book_put_v1", "{}", "mine")]
    store.writer.submit_from_thread(lambda db: store.append(db, "filling-1", new)).result(10)
    assert [event.event_id for event in log_of(store)] == ["mine"]


def test_an_expected_version_is_the_streams_own(store: EventStore) -> None:
    """Another version than the expected one refuses all events, ahead as well as behind, and says which it is."""
    append(store, "filling-1", 2, expected_version=0)
    for expected in (0, 1, 3):
        with pytest.raises(VersionMoved, match=f"at version 2, not {expected}") as refusal:
            append(store, "filling-1", 2, expected_version=expected)
        assert refusal.value.details == {"version": 2}
    append(store, "filling-1", 1, expected_version=2)
    assert [event.version for event in log_of(store)] == [1, 2, 3]
    assert is_whole(store)


def test_nothing_appended_is_nothing_changed(store: EventStore) -> None:
    """An empty append gives no position, to a new stream or an old one."""
    assert append(store, "filling-1", 0) == []
    append(store, "filling-1")
    assert append(store, "filling-1", 0, expected_version=1) == []
    assert store.head == 1


def test_a_taken_version_undoes_the_unit(store: EventStore) -> None:
    """The index holds the line where a unit is wrong about a stream's version; positions stay gapless."""
    append(store, "filling-1", 3)

    def wrong(db: apsw.Connection) -> None:
        store.append_at(db, "filling-2", 0, events(1))
        store.append_at(db, "filling-1", 1, events(1))

    with pytest.raises(apsw.ConstraintError):
        store.writer.submit_from_thread(wrong).result(10)
    append(store, "filling-2")
    assert is_whole(store)
    assert store.head == 4


@pytest.mark.parametrize("error", [Refused("no"), ZeroDivisionError("a bug")])
def test_positions_have_no_gap_after_a_unit_that_failed_half_way(store: EventStore, error: Exception) -> None:
    """What a failed unit had appended is gone from the log and from what the store keeps in mind."""

    def fail(db: apsw.Connection) -> None:
        store.append(db, "filling-1", events(3))
        raise error

    append(store, "filling-1")
    with pytest.raises(type(error)):
        store.writer.submit_from_thread(fail).result(10)
    append(store, "filling-1", 2)
    assert is_whole(store)
    assert store.head == 3


def in_one_transaction(store: EventStore, *units: Callable[[apsw.Connection], object]) -> list[Future[Any]]:
    """Have *units* carried out in one transaction."""
    ready = threading.Event()
    held = store.writer.submit_from_thread(lambda _: ready.wait(10))
    replies: list[Future[Any]] = [store.writer.submit_from_thread(unit) for unit in units]
    ready.set()
    held.result(10)
    for reply in replies:
        reply.exception(10)
    return replies


def fail(_db: apsw.Connection) -> None:
    """Be a bug."""
    raise ZeroDivisionError("a bug")


def test_the_head_moves_on_though_the_last_unit_of_the_transaction_failed(store: EventStore) -> None:
    """What is durable is announced, whatever became of the units after it."""
    in_one_transaction(store, lambda db: store.append(db, "filling-1", events(1)), fail)
    assert store.head == 1


async def test_a_watcher_hears_of_an_event_whose_neighbour_failed(store: EventStore) -> None:
    """The same, for whoever waits."""
    waiting = asyncio.create_task(store.wait_past(0))
    await asyncio.sleep(0)
    await asyncio.to_thread(in_one_transaction, store, lambda db: store.append(db, "filling-1", events(1)), fail)
    assert await asyncio.wait_for(waiting, 10) == 1


async def test_many_watchers_wait_each_for_its_own_position(store: EventStore) -> None:
    """Whoever waits past a position is woken by the first event after it, with the head as it is then."""
    watchers = [asyncio.create_task(store.wait_past(position)) for position in (0, 1, 2, 3) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.to_thread(append, store, "filling-1", 2)
    heads = await asyncio.wait_for(asyncio.gather(*watchers[:200]), 10)
    assert set(heads) == {2}
    assert not any(watcher.done() for watcher in watchers[200:])
    await asyncio.to_thread(append, store, "filling-1", 2)
    assert set(await asyncio.wait_for(asyncio.gather(*watchers[200:]), 10)) == {4}


async def test_a_watcher_that_leaves_is_forgotten(store: EventStore) -> None:
    """A cancelled watcher is not in the way of the next event."""
    cancelled = asyncio.create_task(store.wait_past(0))
    await asyncio.sleep(0)
    assert store._watches
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert not store._watches
    await asyncio.to_thread(append, store, "filling-1")
    assert await store.wait_past(0) == 1


async def test_a_follower_misses_nothing_under_concurrent_writers(store: EventStore) -> None:
    """Reading up to the head and waiting past it sees each event once, in order, while others write."""
    writers, each = 8, 25
    seen: list[int] = []

    async def write(number: int) -> None:
        for _ in range(each):
            await store.writer.submit(lambda db: store.append(db, f"filling-{number}", events(2)))

    async def follow() -> None:
        while len(seen) < writers * each * 2:
            await store.wait_past(len(seen))
            page = await store.read(lambda db: store.events_after(db, len(seen), 7))
            seen.extend([event.position for event in page])

    await asyncio.wait_for(asyncio.gather(follow(), *map(write, range(writers))), 30)
    assert seen == list(range(1, writers * each * 2 + 1))
    assert is_whole(store)


async def test_reads_do_not_wait_for_a_writer_that_sits_in_a_unit(store: EventStore) -> None:
    """A reader sees the last durable state while a transaction is open, however long it takes."""
    append(store, "filling-1")
    begun, go_on = threading.Event(), threading.Event()

    def sit(db: apsw.Connection) -> None:
        store.append(db, "filling-1", events(1))
        begun.set()
        assert go_on.wait(10)

    sitting = store.writer.submit_from_thread(sit)
    assert await asyncio.to_thread(begun.wait, 10)
    assert len(await store.read(lambda db: store.events_after(db, 0))) == 1
    assert store.head == 1
    go_on.set()
    await asyncio.wrap_future(sitting)
    assert len(await store.read(lambda db: store.events_after(db, 0))) == 2


async def test_a_question_sees_one_state_of_the_store(store: EventStore) -> None:
    """Two statements of one question agree, though something was recorded between them.

    An answer's ``ETag`` would else be newer than its body, and ``If-Match`` would protect nothing.
    """

    def ask_twice(db: apsw.Connection) -> tuple[int, int]:
        before = store.version_of(db, "filling-1")
        append(store, "filling-1")
        return before, store.version_of(db, "filling-1")

    assert await store.read(ask_twice) == (0, 0)
    assert await store.read(lambda db: store.version_of(db, "filling-1")) == 1


async def test_a_question_that_fails_leaves_its_reader_fit(store: EventStore) -> None:
    """Its error goes to whoever asked, and the next question finds the newest state."""

    def fail_to_ask(db: apsw.Connection) -> None:
        db.execute("SELECT * FROM nowhere")

    for _ in range(5):
        with pytest.raises(apsw.SQLError, match="nowhere"):
            await store.read(fail_to_ask)
    append(store, "filling-1")
    versions = await asyncio.gather(*[store.read(lambda db: store.version_of(db, "filling-1")) for _ in range(9)])
    assert set(versions) == {1}


async def test_a_question_cannot_write(store: EventStore) -> None:
    """Readers are read-only, twice over."""
    with pytest.raises(apsw.ReadOnlyError):
        await store.read(lambda db: db.execute("DELETE FROM checkpoints"))


def test_events_never_change_and_never_go(store: EventStore) -> None:
    """Not even the writer's own connection may rewrite the past."""
    append(store, "filling-1")
    for statement in ("UPDATE events SET data = '{}'", "DELETE FROM events"):
        with pytest.raises(apsw.ConstraintError, match=r"never"):
            store.writer.submit_from_thread(lambda db, sql=statement: db.execute(sql)).result(10)  # type: ignore[misc]
    assert is_whole(store)


def test_events_are_selected_by_type_stream_and_venture(store: EventStore) -> None:
    """A page begins after a position and has what was asked for, the oldest first, up to its limit."""
    for number in (1, 2, 1, 2):
        append(store, f"filling-{number}", kind="book_put_v1", venture_id=f"v-{number}")
        append(store, f"lending-{number}", kind="lending_started_v1", venture_id=f"v-{number}")

    def positions(after: int = 0, limit: int = 100, **options: Any) -> list[int]:
        return [event.position for event in log_of(store, after, limit, **options)]

    assert positions() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert positions(5, 2) == [6, 7]
    assert positions(types=["lending_started_v1"]) == [2, 4, 6, 8]
    assert positions(streams=["filling-1", "lending-2"]) == [1, 4, 5, 8]
    assert positions(1, types=["book_put_v1"], streams=["filling-1", "lending-1"], venture_id="v-1") == [5]
    assert positions(venture_id="v-3") == []


@pytest.mark.parametrize(
    ("selection", "index"),
    [
        ({}, "INTEGER PRIMARY KEY (rowid>?)"),
        ({"types": ["a"]}, "(type=? AND rowid>?)"),
        ({"venture_id": "v"}, "(venture_id=? AND rowid>?)"),
        ({"streams": ["s"]}, "(stream=?)"),
        ({"streams": ["s", "t"], "types": ["a"], "venture_id": "v"}, "(stream=?)"),
        ({"types": ["a"], "venture_id": "v"}, "(venture_id=? AND rowid>?)"),
    ],
)
def test_a_selection_is_found_by_what_there_is_least_of(
    store: EventStore, selection: dict[str, Any], index: str
) -> None:
    """However long the log is: events of a stream are few, those of a type may be half of it."""
    (used,) = store.read_from_thread(
        lambda db: indexes_used(db, lambda at: store.events_after(at, 0, **selection))
    ).result(10)
    assert used.endswith(index)


def test_a_streams_events_are_read_from_a_version_on(store: EventStore) -> None:
    """A dossier that is partly known needs only the rest."""
    append(store, "filling-1", 3, recorded_at=5)
    append(store, "filling-2", 1)
    rest = store.read_from_thread(lambda db: list(store.events_of(db, "filling-1", 1))).result(10)
    assert rest == [("book_put_v1", '{"number":1}', 5), ("book_put_v1", '{"number":2}', 5)]
    assert store.read_from_thread(lambda db: store.version_of(db, "filling-3")).result(10) == 0


def test_after_a_failed_commit_nothing_is_remembered_that_is_not_stored(disk: FailingDisk, path: Path) -> None:
    """A full disk at COMMIT: the head stays, and the next append goes on where the log ends."""
    with closing(EventStore.open(path)) as store:
        append(store, "filling-1")
        disk.on_write = apsw.FullError("no space left")
        with pytest.raises(Unavailable, match="the disk is full"):
            append(store, "filling-1", 5)
        disk.on_write = None
        assert store.head == 1
        append(store, "filling-2", 2)
        assert is_whole(store)
        assert store.head == 3


def test_what_was_acknowledged_is_there_after_reopening(path: Path) -> None:
    """Closing and opening again goes on with the next position, version and hash."""
    for _ in range(3):
        with closing(EventStore.open(path)) as store:
            append(store, "filling-1", 2)
    with closing(EventStore.open(path)) as store:
        assert store.head == 6
        assert is_whole(store)


async def test_a_closed_store_takes_no_question(path: Path) -> None:
    """Who asks after the end is told that it is the end."""
    store = EventStore.open(path)
    store.close()
    with pytest.raises(Unavailable, match="nothing can be read"):
        await store.read(lambda db: None)


def test_the_file_is_its_owners_alone(store: EventStore) -> None:
    """The log and what SQLite keeps beside it can be read by no other user."""
    append(store, "filling-1")
    files = list(store.path.parent.iterdir())
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_the_latest_time_is_not_always_that_of_the_newest(store: EventStore) -> None:
    """A clock may have been put right since; without events there is none."""
    assert await store.read(store.latest_time) == 0
    for at in (5, 3_000, 7):
        append(store, "filling-1", recorded_at=at)
    assert await store.read(store.latest_time) == 3_000
