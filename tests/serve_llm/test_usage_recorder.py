"""Calls on their way to the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from hecate.endpoints import Stopwatch
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.usage_entry import Entry, finished_before_it_began
from hecate.serve_llm.usage_recorder import MOST_WAITING, Recorder
from hecate.serve_llm.usage_store import DAY_MILLISECONDS, UsageStore
from tests.serve_llm.asking import until
from tests.serve_llm.test_usage_store import NOW, call

ACCOUNT = Account(name="p", kind="openai", base_url="http://127.0.0.1:1/v1")


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    """A recorder of a new store."""
    recorder = Recorder(UsageStore.open(tmp_path / "usage.db"), keep_days=2)
    yield recorder
    await recorder.close()


def entries(count: int) -> list[Entry]:
    """Return so many calls."""
    finished = finished_before_it_began(ACCOUNT, "m", "ok", streamed=False)
    return [
        Entry(account=ACCOUNT, operation="chat", asked_model="m", stopwatch=Stopwatch(), finished=finished)
        for _ in range(count)
    ]


async def recorded(recorder: Recorder) -> int:
    """Return how many calls the store has."""
    ((count,),) = await recorder.ask(lambda db: list(db.execute("SELECT count(*) FROM calls")))
    return int(count)


async def test_everything_is_written_in_the_end(recorder: Recorder) -> None:
    """Also what comes while the thread writes."""
    for _ in range(5):
        recorder.write(entries(300))
    await until(lambda: recorder.waiting == 0)
    assert await recorded(recorder) == 1500


async def test_what_the_disk_refuses_is_tried_again(recorder: Recorder) -> None:
    """With the next calls, once it takes them."""
    with closing(apsw.Connection(str(recorder.store.path))) as other:
        other.execute("ALTER TABLE calls RENAME TO elsewhere")
        recorder.write(entries(2))
        await recorder.written()
        assert (recorder.waiting, recorder.lost) == (2, 0)
        other.execute("ALTER TABLE elsewhere RENAME TO calls")
    recorder.write(entries(1))
    await recorder.written()
    assert (recorder.waiting, await recorded(recorder)) == (0, 3)


async def test_memory_is_bounded(recorder: Recorder) -> None:
    """What is too much is lost, and counted."""
    with closing(apsw.Connection(str(recorder.store.path))) as other:
        other.execute("ALTER TABLE calls RENAME TO elsewhere")
        for _ in range(3):
            recorder.write(entries(MOST_WAITING // 2 + 1))
            await recorder.written()
        assert recorder.waiting == MOST_WAITING
        assert recorder.lost == MOST_WAITING // 2 + 3
        other.execute("ALTER TABLE elsewhere RENAME TO calls")


async def test_what_is_old_goes(recorder: Recorder) -> None:
    """When calls are written."""
    recorder.store.write([call(began_at=NOW - 3 * DAY_MILLISECONDS)])
    recorder.write(entries(1))
    await recorder.written()
    assert await recorded(recorder) == 1


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    """However it came to wait."""
    recorder = Recorder(UsageStore.open(tmp_path / "usage.db"), keep_days=2)
    recorder.write(entries(10))
    recorder.write(entries(10))
    await recorder.close()
    with closing(UsageStore.open(tmp_path / "usage.db")) as store:
        assert list(store.reader().execute("SELECT count(*) FROM calls")) == [(20,)]
