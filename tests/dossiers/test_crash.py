"""kill -9 under writers: what was acknowledged is there once, and the store is whole.

``HECATE_CRASH_ROUNDS`` says how often the daemon is killed (3), ``HECATE_CRASH_SEED`` when.
With ``-s`` the figures are shown.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest

from hecate.dossiers.event_store import EventStore, NewEvent
from tests.daemon.child import Child
from tests.dossiers.crash import Command, Connection, Journal, Writer, one_venture_and_common_ones
from tests.dossiers.oracle import wrongs
from tests.serving import serving

WRITERS = 32
ROUNDS = int(os.environ.get("HECATE_CRASH_ROUNDS", "3"))
SEED = int(os.environ.get("HECATE_CRASH_SEED", "1"))
MOVES_BEFORE_A_KILL = (200, 4000)
"""Commands that went out and answers that came in, at least and at most."""
REPEATED = 200

pytestmark = pytest.mark.timeout(60 + 20 * ROUNDS)


@dataclass(slots=True)
class Crashed:
    """A store that has seen its daemon killed again and again, and the journal of its writers."""

    database: Path
    journal: Journal = field(default_factory=Journal)
    wrongs: list[str] = field(default_factory=list)
    open_at_kills: int = 0
    """Commands that were sent and not answered."""
    stored_all_the_same: int = 0
    """Those of them that were carried out nevertheless: their retry must find that."""
    ready_seconds: list[float] = field(default_factory=list)


class Rig:
    """Writers, and the daemon that they lose."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crashed = Crashed(folder / "data" / "hecate.db")
        self.chance = random.Random(SEED)
        self.writers: list[Writer] = []

    def run(self) -> Crashed:
        """Kill the daemon `ROUNDS` times, then let the writers finish; note all that is wrong on the way."""
        for _ in range(ROUNDS):
            with self.started() as child:
                asyncio.run(self.write_until_killed(child))
        with self.started() as child:
            asyncio.run(self.finish(child.socket_path))
            self.judge()
        return self.crashed

    @contextmanager
    def started(self) -> Iterator[Child]:
        """Start the daemon, note how long it took, and judge what it found."""
        since = time.monotonic()
        with serving(self.folder) as child:
            self.crashed.ready_seconds.append(time.monotonic() - since)
            self.crashed.stored_all_the_same += stored(self.crashed.database, self.crashed.journal.open)
            self.judge()
            yield child

    def judge(self) -> None:
        """Note what is wrong now."""
        self.crashed.wrongs += wrongs(self.crashed.database, self.crashed.journal)

    async def write_until_killed(self, child: Child) -> None:
        """Have all write at once, and kill the daemon in the middle of it."""
        if not self.writers:
            await self.set_up(child.socket_path)
        moves_left = self.chance.randint(*MOVES_BEFORE_A_KILL)

        def moved() -> None:
            nonlocal moves_left
            moves_left -= 1
            if moves_left == 0:
                child.process.kill()

        self.crashed.journal.when_moved = moved
        await asyncio.gather(*(writer.write(child.socket_path) for writer in self.writers))
        self.crashed.journal.when_moved = lambda: None
        self.crashed.open_at_kills += len(self.crashed.journal.open)

    async def set_up(self, socket_path: Path) -> None:
        """Make the common venture, and the writers."""
        first = Writer("common", one_venture_and_common_ones("common", ""), self.crashed.journal)
        await first.write(socket_path, until=lambda: len(self.crashed.journal.acknowledged) == 2)
        common_id = self.crashed.journal.commands[0].answered["id"]
        for number in range(WRITERS):
            name = f"writer-{number}"
            script = one_venture_and_common_ones(name, common_id)
            self.writers.append(Writer(name, script, self.crashed.journal))

    async def finish(self, socket_path: Path) -> None:
        """Have every open command answered, then repeat some that were answered long ago."""
        await asyncio.gather(*(writer.finish(socket_path) for writer in self.writers))
        done = self.crashed.journal.acknowledged
        connection = await Connection.to(socket_path)
        for command in self.chance.sample(done, min(REPEATED, len(done))):
            _, body = await connection.post(command)
            if body != command.answer:
                self.crashed.wrongs.append(f"{command.key} was answered otherwise the second time")
        await connection.close()


@pytest.fixture(scope="module")
def crashed() -> Iterator[Crashed]:
    """Give a store that has been through it all."""
    with TemporaryDirectory(prefix="hecate-") as folder:
        crashed = Rig(Path(folder)).run()
        done = len(crashed.journal.commands)
        ready = ", ".join(f"{seconds:.2f}" for seconds in crashed.ready_seconds)
        print(  # noqa: T201
            f"\n{ROUNDS} kills, {done} commands, {crashed.open_at_kills} of them open at a kill, "
            f"{crashed.stored_all_the_same} of these stored all the same; ready in {ready} s"
        )
        yield crashed


def test_nothing_is_lost_nothing_is_twice_and_all_is_whole(crashed: Crashed) -> None:
    """After each kill, at the end when every command was answered, and when some are repeated."""
    assert crashed.wrongs == []
    assert crashed.journal.open == []
    assert crashed.open_at_kills > 0, "nothing was under way at any kill: that proves nothing"
    assert len(crashed.journal.acknowledged) > ROUNDS * 100
    assert wrongs(crashed.database, crashed.journal) == []


UNLOCK = "DROP TRIGGER events_never_change; DROP TRIGGER events_never_go;"


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events)", "acknowledged and not there"),
        ("DELETE FROM events WHERE position = 50", "acknowledged and not there"),
        ("DELETE FROM events WHERE position = 50", "positions have a gap"),
        ("DELETE FROM events WHERE position = 50", "the chain is broken at 51"),
        ("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 50", "the chain is broken at 50"),
        ("UPDATE events SET version = version + 1 WHERE position = (SELECT max(position) FROM events)", "has a gap"),
        ("UPDATE divisions SET name = 'other' WHERE name = 'writer-1-1'", "the read model divisions is not the fold"),
        ("DELETE FROM processes WHERE state = 'completed'", "the read model processes is not the fold"),
    ],
)
def test_what_is_wrong_would_be_seen(crashed: Crashed, tmp_path: Path, damage: str, wrong: str) -> None:
    """The control: the same judge, before a store in which one thing was done on purpose."""
    database = copy_of(crashed.database, tmp_path)
    with closing(apsw.Connection(str(database))) as db:
        db.execute(UNLOCK + damage)
        assert db.changes() > 0
    assert [sentence for sentence in wrongs(database, crashed.journal) if wrong in sentence]


def test_a_command_that_was_carried_out_twice_would_be_seen(crashed: Crashed, tmp_path: Path) -> None:
    """The control: its second event is in its place in the chain, and still one too many."""
    database = copy_of(crashed.database, tmp_path)
    with closing(EventStore.open(database)) as store:
        event = store.read_from_thread(lambda db: store.events_after(db, store.head - 1)[0]).result(10)
        again = [NewEvent(event.type, event.data)]
        store.writer.submit_from_thread(lambda db: store.append(db, event.stream, again)).result(10)
    assert [sentence for sentence in wrongs(database, crashed.journal) if "events for" in sentence]


def stored(database: Path, commands: list[Command]) -> int:
    """Return how many of *commands* the store knows by their keys."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        known = {key for (key,) in db.execute("SELECT key FROM commands")}
    return sum(command.key in known for command in commands)


def copy_of(database: Path, folder: Path) -> Path:
    """Return a copy of the store, with what is in its write-ahead log."""
    copy = folder / database.name
    for suffix in ("", "-wal"):
        part = Path(f"{database}{suffix}")
        if part.exists():
            Path(f"{copy}{suffix}").write_bytes(part.read_bytes())
    return copy
