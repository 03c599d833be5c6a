"""The file that remembers the calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from hecate.dossiers.errors import Unavailable
from hecate.serve_llm.usage_store import DAY_MILLISECONDS, DELETED_AT_ONCE, RecordedCall, UsageStore

NOW = int(time.time() * 1000)
TODAY = NOW // DAY_MILLISECONDS


def call(**more: Any) -> RecordedCall:
    """Return a call, of which *more* is told."""
    told: dict[str, Any] = {
        "began_at": NOW,
        "operation": "chat",
        "provider": "openai",
        "model": "gpt-4o",
        "asked_model": "fast",
        "streamed": 1,
        "outcome": "ok",
        "prompt_tokens": 15,
        "completion_tokens": 8,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cost_usd": 0.25,
        "first_piece_ms": 12.5,
        "total_ms": 100.0,
        "overhead_ms": 0.4,
        "venture_id": "v-1",
        "division_id": "",
        "uid": 1000,
        "request_id": "r",
    }
    return RecordedCall(**(told | more))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    """A store without calls."""
    store = UsageStore.open(tmp_path / "usage.db")
    yield store
    store.close()


def found(store: UsageStore, sql: str) -> list[tuple[Any, ...]]:
    """Return what *sql* gives."""
    with closing(store.reader()) as db:
        return list(db.execute(sql))


@pytest.mark.parametrize("calls", [1, 49, 50, 51, 173])
def test_what_is_written_is_there(store: UsageStore, calls: int) -> None:
    """Every call of a batch, however many there are, in their order, with everything that is known of it."""
    written = [call(model=f"m{number}") for number in range(calls)]
    store.write(written)
    store.write([call(cost_usd=None, uid=None, first_piece_ms=None)])
    rows = found(store, "SELECT * FROM calls ORDER BY id")
    assert [row[1:] for row in rows[:-1]] == [one[:-1] for one in written]
    assert [row[0] for row in rows] == list(range(1, calls + 2))
    assert rows[-1][1:] == call(cost_usd=None, uid=None, first_piece_ms=None)[:-1]


def test_the_next_run_goes_on(tmp_path: Path) -> None:
    """Calls keep their numbers, and new ones get others."""
    for ids in ([(1,)], [(1,), (2,)]):
        store = UsageStore.open(tmp_path / "usage.db")
        store.write([call()])
        assert found(store, "SELECT id FROM calls") == ids
        store.close()


def test_only_the_owner_can_read_it(store: UsageStore) -> None:
    """Its log included."""
    store.write([call()])
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}
    assert modes == dict.fromkeys(("usage.db", "usage.db-wal", "usage.db-shm"), 0o600)


def test_messages_are_beside_the_calls(store: UsageStore) -> None:
    """Of those calls only of which they are kept."""
    store.write([call(), call(messages=("asked", "answered")), call()])
    assert found(store, "SELECT * FROM messages") == [(2, "asked", "answered")]


def test_spending_adds_up(store: UsageStore) -> None:
    """By day and venture; what costs nothing, or nobody knows how much, is not there."""
    store.write([call(), call(), call(venture_id=""), call(cost_usd=None), call(cost_usd=0.0, venture_id="v-2")])
    store.write([call(), call(began_at=NOW - DAY_MILLISECONDS)])
    assert sorted(store.spent()) == [(TODAY - 1, "v-1", 0.25), (TODAY, "", 0.25), (TODAY, "v-1", 0.75)]


def test_what_is_old_goes(store: UsageStore) -> None:
    """Calls and their messages, piece by piece; what a venture has spent stays."""
    old = NOW - 3 * DAY_MILLISECONDS
    store.write([call(began_at=old, messages=("a", "b")) for _ in range(DELETED_AT_ONCE + 1)])
    store.write([call(began_at=old, venture_id=""), call(messages=("c", "d"))])
    assert store.forget(keep_days=4) is False
    assert store.forget(keep_days=2) is True
    assert store.forget(keep_days=2) is False
    assert found(store, "SELECT began_at FROM calls") == [(NOW,)]
    assert found(store, "SELECT request FROM messages") == [("c",)]
    assert [spent[:2] for spent in sorted(store.spent())] == [(TODAY - 3, "v-1"), (TODAY, "v-1")]


def test_a_clock_that_jumps_deletes_nothing(store: UsageStore) -> None:
    """It may jump back. If it stays, what is old by it goes the next time."""
    store.write([call(began_at=NOW - 3 * DAY_MILLISECONDS), call()])
    clock, passed = store._forgot_at
    store._forgot_at = (clock - 2 * DAY_MILLISECONDS / 1000, passed)
    with capture_logs() as logs:
        assert store.forget(keep_days=2) is False
    assert [entry["event"] for entry in logs] == ["the clock was changed; old calls are kept for now"]
    assert len(found(store, "SELECT id FROM calls")) == 2
    store.forget(keep_days=2)
    assert found(store, "SELECT began_at FROM calls") == [(NOW,)]


def test_a_failed_batch_leaves_nothing(store: UsageStore) -> None:
    """All calls of it can be written again."""
    with pytest.raises(apsw.Error):
        store.write([*(call() for _ in range(60)), call(provider=None)])
    assert found(store, "SELECT count(*) FROM calls") == [(0,)]
    assert store.spent() == []
    store.write([call()])
    assert found(store, "SELECT id FROM calls") == [(1,)]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """The daemon serves without it, and whoever wants can look at it."""
    path = tmp_path / "usage.db"
    path.write_bytes(b"this is no database at all, and long enough to be one " * 100)
    store = UsageStore.open(path)
    store.write([call()])
    assert found(store, "SELECT count(*) FROM calls") == [(1,)]
    store.close()
    (aside,) = tmp_path.glob("usage.db.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")


@pytest.mark.parametrize(
    ("pragma", "words"), [("user_version = 99", "a newer Hecate"), ("application_id = 7", "another program's")]
)
def test_a_foreign_file_is_left_alone(tmp_path: Path, pragma: str, words: str) -> None:
    """It may be worth something to somebody."""
    path = tmp_path / "usage.db"
    UsageStore.open(path).close()
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA {pragma}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(Unavailable, match=words):
        UsageStore.open(path)
    assert path.read_bytes() == before
