"""kill -9 at any moment: under writers and streams, in a checkpoint, and while an older store is brought up to date.

That the judge sees what is wrong with a store is shown in ``tests/dossiers/test_crash.py``.
"""

from __future__ import annotations

import asyncio
import random
import struct
import subprocess
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import apsw
import pytest

from hecate.dossiers.event_store import EventStore
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, link
from hecate.dossiers.schema import APPLICATION_ID, MIGRATIONS, user_version
from tests.daemon.child import Child, started, wait_until
from tests.dossiers.crash_rig import Crashed, CrashRig
from tests.faults.conftest import Say
from tests.faults.crowd import PATIENCE_SECONDS, WRITERS, Crowd
from tests.faults.daemons import arguments_in, serving_from
from tests.faults.following import Follower
from tests.faults.sizes import LONG, SEED, size
from tests.faults.writing import writing
from tests.serving import HECATE

ROUNDS = size(3, 100)
CHECKPOINTS = size(1, 20)
MIGRATIONS_KILLED = size(2, 40)
EVENTS_TO_FOLD = size(500, 5000)
STREAMS = 4
MOVES = (20, 600)
READY_SECONDS = 2.0
INDEX_CHECKPOINT = struct.Struct("=I28xI")
"""How many frames were copied, and to how many that was begun: https://sqlite.org/walformat.html#the_wal_index_file_format."""

pytestmark = pytest.mark.timeout(size(90, 1800))


class StreamedCrashRig(CrashRig):
    """Writers and streams, and the daemon that they lose."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ROUNDS, SEED, writers=WRITERS, moves=MOVES)
        self.followers = [Follower() for _ in range(STREAMS)]

    async def write_until_killed(self, child: Child) -> None:
        """Follow meanwhile."""
        if not self.writers:
            await self.set_up(child.socket_path)
        following = [asyncio.create_task(follower.follow(child.socket_path)) for follower in self.followers]
        await super().write_until_killed(child)
        await asyncio.gather(*following)

    async def finish(self, socket_path: Path) -> None:
        """Have the streams come to the end, too."""
        await super().finish(socket_path)
        head = len(log_of(self.crashed.database))
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(
                    follower.follow(socket_path, until=lambda one=follower: one.position >= head)  # type: ignore[misc]
                    for follower in self.followers
                    if follower.position < head
                )
            )


def log_of(database: Path) -> list[StoredEvent]:
    """Return all events of a store, which may be open elsewhere."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return EventStore.events_after(db, 0, 10_000_000)


def test_under_writers_and_streams(place: Path, say: Say) -> None:
    """What was acknowledged is there once, what was shown is in the log, and each stream had all of it in order."""
    rig = StreamedCrashRig(place)
    crashed: Crashed = rig.run()
    assert crashed.wrongs == []
    assert crashed.journal.open == []
    assert crashed.open_at_kills > 0
    log = log_of(crashed.database)
    assert [wrong for follower in rig.followers for wrong in follower.wrongs(log)] == []
    assert [follower.position for follower in rig.followers] == [len(log)] * STREAMS
    half = median(crashed.ready_seconds)
    say(f"{crashed.in_words}, in {half:.2f} s (median); {STREAMS} streams were shown all {len(log):,} events once")
    if LONG:
        assert half < READY_SECONDS


def test_a_stream_that_shows_what_is_not_kept_would_be_seen(place: Path) -> None:
    """The control: the same look at a log without its last event, and at streams that repeat or leave out."""
    crowd, follower = Crowd(), Follower()
    with serving_from(place) as child:
        with writing(child.socket_path, crowd.writers):
            crowd.wait_for_more(50)
        log = log_of(place / "data" / "hecate.db")
        asyncio.run(follower.follow(child.socket_path, until=lambda: follower.position >= len(log)))
    assert list(follower.wrongs(log)) == []
    assert "1 events that are not in the log" in " ".join(follower.wrongs(log[:-1]))
    follower.shown.append(follower.shown[-1])
    assert any("twice" in wrong for wrong in follower.wrongs(log))


def test_in_a_checkpoint(place: Path, say: Say) -> None:
    """The database's own file is written in checkpoints alone: as soon as it changes, the daemon is killed."""
    crowd = Crowd(big=True)
    database, cut_short = place / "data" / "hecate.db", 0
    for _ in range(CHECKPOINTS):
        with serving_from(place) as child:
            before = database.stat().st_mtime_ns
            with writing(child.socket_path, crowd.writers):
                wait_until(lambda: database.stat().st_mtime_ns != before, PATIENCE_SECONDS)  # noqa: B023 - it is over then
                child.process.kill()
                child.end()
        cut_short += was_cut_short(database)
        assert crowd.wrongs(place) == []
    with serving_from(place) as child, writing(child.socket_path, crowd.writers):
        crowd.wait_for_more(WRITERS)
    assert crowd.wrongs(place) == []
    say(
        f"killed at {CHECKPOINTS} checkpoints, {cut_short} of them not at their end yet: "
        f"{crowd.acknowledged:,} commands acknowledged, none lost"
    )
    if LONG:
        assert cut_short > 0


def was_cut_short(database: Path) -> bool:
    """Tell from the log's index whether a checkpoint had begun to copy pages, and had not said that it had."""
    copied, to_be_copied = INDEX_CHECKPOINT.unpack_from(database.with_name(f"{database.name}-shm").read_bytes(), 96)
    return bool(copied < to_be_copied)


@pytest.fixture
def filled(place: Path) -> Crowd:
    """Give what writers were told whose store is in *place*."""
    crowd = Crowd()
    with serving_from(place) as child, writing(child.socket_path, crowd.writers):
        crowd.wait_for_more(EVENTS_TO_FOLD)
    return crowd


def age(database: Path) -> None:
    """Make the store one that has had the first migration alone: its events and its answers, and no read model."""
    old = database.with_name("old.db")
    with closing(apsw.Connection(str(old))) as db, closing(apsw.Connection(str(database))) as new:
        db.execute(MIGRATIONS[0])
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; PRAGMA journal_mode = wal")
        db.execute("ATTACH ? AS new", (str(database),))
        previous = GENESIS
        with db:
            db.execute("INSERT INTO main.commands SELECT * FROM new.commands")
            # The hash was over the data as they are.
            for event in EventStore.events_after(new, 0, 10_000_000):
                previous = link(previous, event[:9])
                db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*event[:9], previous))
    for suffix in ("-wal", "-shm"):
        database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
    old.rename(database)


def test_in_a_migration(place: Path, filled: Crowd, say: Say) -> None:
    """A store of the first version is brought up to date, and its read models folded, however often that is killed."""
    database, chance, killed, half_way = place / "data" / "hecate.db", random.Random(SEED), 0, 0
    age(database)
    with closing(apsw.Connection(str(database))) as db:
        assert user_version(db) == 1
    before = log_of(database)
    original = {path: path.read_bytes() for path in database.parent.glob("hecate.db*")}
    seconds = start_and_kill(place, None)
    assert filled.wrongs(place) == []
    for _ in range(MIGRATIONS_KILLED):
        for path in database.parent.glob("hecate.db*"):
            path.unlink()
        for path, content in original.items():
            path.write_bytes(content)
        # Python itself takes the first part of it.
        start_and_kill(place, chance.uniform(seconds / 4, seconds))
        killed += 1
        with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            half_way += user_version(db) > 1
        assert log_of(database) == before
        with serving_from(place):
            pass
        assert filled.wrongs(place) == []
    say(
        f"{len(before):,} events, brought up to date in {seconds:.2f} s: killed {killed} times on the way, "
        f"{half_way} of them after the first step"
    )


def start_and_kill(place: Path, after_seconds: float | None) -> float:
    """Start a daemon, kill it after so many seconds, or once it is ready; return how long it had lived."""
    since = time.monotonic()
    with started(arguments_in(place), place / "s", program=(HECATE,)) as child:
        if after_seconds is None:
            child.ready()
        else:
            try:
                child.process.wait(after_seconds)
            except subprocess.TimeoutExpired:
                child.process.kill()
        return time.monotonic() - since
