"""Following the log, at the follower's own speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import apsw
import pytest

from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.hash_chain import StoredEvent
from hecate.publish_facts.following import BYTES_A_READ, EVENTS_A_READ, HEARTBEAT, follow


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    """An empty store."""
    store = EventStore.open(tmp_path / "store.db")
    yield store
    store.close()


def everything(db: apsw.Connection, after: int, limit: int, enough_bytes: int) -> list[StoredEvent]:
    """Read whatever there is."""
    return EventStore.events_after(db, after, limit, enough_bytes=enough_bytes)


def position(event: StoredEvent) -> bytes:
    """Write an event's position."""
    return b"%d " % event.position


async def append(store: EventStore, count: int, data: str = "{}") -> None:
    """Let *count* events happen."""
    events = [NewEvent("something_happened_v1", data)] * count
    await store.writer.submit(lambda db: store.append(db, "stream-1", events))


async def test_a_comment_tells_that_nothing_happens(store: EventStore) -> None:
    """One at once, and one after each interval of silence: a proxy or a client may give up on a silent stream."""
    async with aclosing(follow(store, everything, 0, position, heartbeat_seconds=0.001)) as pieces:
        assert [await anext(pieces) for _ in range(3)] == [HEARTBEAT] * 3


async def test_events_after_a_silence_are_told(store: EventStore) -> None:
    """The wait ends with the event."""
    async with aclosing(follow(store, everything, 0, position)) as pieces:
        assert await anext(pieces) == HEARTBEAT
        await append(store, 1)
        assert await anext(pieces) == b"1 "
        await append(store, 2)
        assert await anext(pieces) == b"2 3 "


async def test_many_events_come_in_bounded_pieces(store: EventStore) -> None:
    """However far behind the follower is, it holds one read in memory."""
    await append(store, EVENTS_A_READ * 2 + 1)
    async with aclosing(follow(store, everything, 0, position)) as pieces:
        assert await anext(pieces) == HEARTBEAT
        assert [len((await anext(pieces)).split()) for _ in range(3)] == [EVENTS_A_READ, EVENTS_A_READ, 1]


async def test_large_events_come_few_at_a_time(store: EventStore) -> None:
    """So that a follower who does not read on costs little memory, and none is left out."""
    third = '"' + "x" * (BYTES_A_READ // 3) + '"'
    await append(store, 4, third)
    await append(store, 1, third * 9)
    await append(store, 1)
    async with aclosing(follow(store, everything, 0, position)) as pieces:
        assert await anext(pieces) == HEARTBEAT
        assert [await anext(pieces) for _ in range(3)] == [b"1 2 3 ", b"4 5 ", b"6 "]


async def test_a_follower_that_leaves_is_forgotten(store: EventStore) -> None:
    """The store keeps nothing of it."""
    pieces = follow(store, everything, 0, position, heartbeat_seconds=0.001)
    await anext(pieces)
    await anext(pieces)
    await pieces.aclose()
    assert store._watches == set()
