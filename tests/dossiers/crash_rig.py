"""A daemon that is killed again and again under its writers, and judged after each time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from tests.daemon.child import Child
from tests.dossiers.crash import Command, Connection, Journal, Writer, one_venture_and_common_ones
from tests.dossiers.oracle import wrongs
from tests.serving import serving

WRITERS = 32
MOVES_BEFORE_A_KILL = (200, 4000)
"""Commands that went out and answers that came in, at least and at most."""
REPEATED = 200


@dataclass(slots=True)
class Crashed:
    """A store that has seen its daemon killed again and again, and the journal of its writers."""

    database: Path
    kills: int
    writers: int
    journal: Journal = field(default_factory=Journal)
    wrongs: list[str] = field(default_factory=list)
    open_at_kills: int = 0
    """Commands that were sent and not answered."""
    stored_all_the_same: int = 0
    """Those of them that were carried out nevertheless: their retry must find that."""
    ready_seconds: list[float] = field(default_factory=list)

    @property
    def in_words(self) -> str:
        """What has happened, for people."""
        return (
            f"{self.kills} kills under {self.writers} writers, {len(self.journal.commands):,} commands, "
            f"{self.open_at_kills} of them open at a kill, {self.stored_all_the_same} of these stored all the same; "
            f"ready in at most {max(self.ready_seconds):.2f} s"
        )


class CrashRig:
    """Writers, and the daemon that they lose.

    Args:
        folder: For all files; its path must be short enough for a socket.
        kills: How often the daemon is killed.
        seed: When that is.
        writers: How many write at once.
        moves: How many requests and answers there are before a kill, at least and at most.
    """

    def __init__(
        self,
        folder: Path,
        kills: int,
        seed: int,
        *,
        writers: int = WRITERS,
        moves: tuple[int, int] = MOVES_BEFORE_A_KILL,
    ) -> None:
        self.folder = folder
        self.kills = kills
        self.moves = moves
        self.crashed = Crashed(folder / "data" / "hecate.db", kills, writers)
        self.chance = random.Random(seed)
        self.writers: list[Writer] = []

    def run(self) -> Crashed:
        """Kill the daemon `kills` times, then let the writers finish; note all that is wrong on the way."""
        for _ in range(self.kills):
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
        moves_left = self.chance.randint(*self.moves)

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
        for number in range(self.crashed.writers):
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


def stored(database: Path, commands: list[Command]) -> int:
    """Return how many of *commands* the store knows by their keys."""
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        known = {key for (key,) in db.execute("SELECT key FROM commands")}
    return sum(command.key in known for command in commands)
