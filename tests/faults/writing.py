"""Writers beside a test: they note what they were told, and what they were refused, and go on."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.dossiers.crash import Command, Connection, Journal, Script, Writer, one_venture_and_common_ones
from tests.dossiers.crash_rig import stored

SECONDS_AFTER_A_REFUSAL = 0.02
NOTHING_RECORDED = "nothing was recorded"


@dataclass(slots=True)
class Refusals:
    """What writers were refused."""

    sentences: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    denied: dict[str, Command] = field(default_factory=dict)
    """Commands that, by their last answer, were not recorded."""

    def wrongs(self, database: Path) -> list[str]:
        """Return which commands the store knows although their callers were told otherwise."""
        denied = [command for command in self.denied.values() if not command.answer]
        return [f"{command.key} was recorded, and refused" for command in denied if stored(database, [command])]


class Persevering(Writer):
    """A writer that tries again what was refused, with the same key, until the daemon is gone.

    Args:
        name: Its own.
        script: What it writes.
        journal: What it was told.
        refusals: What it was refused.
        pause_seconds: After each command.
    """

    def __init__(
        self, name: str, script: Script, journal: Journal, refusals: Refusals, *, pause_seconds: float = 0.0
    ) -> None:
        super().__init__(name, script, journal)
        self._refusals = refusals
        self._pause_seconds = pause_seconds

    async def _carry_out(self, connection: Connection) -> None:
        await super()._carry_out(connection)
        if self._pause_seconds:
            await asyncio.sleep(self._pause_seconds)

    async def refused(self, command: Command, status: int, body: bytes) -> None:
        """Note it, and wait a moment."""
        assert status in {500, 503, 507}, (command, status, body)
        sentence = json.loads(body)["error"]
        self._refusals.sentences.append(sentence)
        self._refusals.statuses.append(status)
        self._refusals.denied.pop(command.key, None)
        if NOTHING_RECORDED in sentence:
            self._refusals.denied[command.key] = command
        await asyncio.sleep(SECONDS_AFTER_A_REFUSAL)


def lifecycles(name: str) -> Script:
    """Take division after division through design and plan, some of them in a second venture."""
    second_id = (yield "/api/ventures", {"name": f"{name}-second"})["id"]
    yield f"/api/ventures/{second_id}/discovery/start", {}
    yield from one_venture_and_common_ones(name, second_id)


def big_ventures(name: str, kilobytes: int) -> Script:
    """Set up ventures with long briefs: many bytes in few events."""
    for number in itertools.count(1):
        yield "/api/ventures", {"name": f"{name}-{number}", "brief": "x" * kilobytes * 1000}


class Beside(Protocol):
    """Something that is done beside a test until the daemon is gone or *until* holds."""

    async def write(self, socket_path: Path, *, until: Callable[[], bool]) -> None:
        """Do it."""


@contextmanager
def writing(
    socket_path: Path, writers: Sequence[Beside], *, until: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Have *writers* write beside the block; at its end they are let finish the command that is under way.

    They end before when the daemon is gone, or *until* holds.
    """
    over = threading.Event()

    async def write() -> None:
        await asyncio.gather(*(writer.write(socket_path, until=lambda: over.is_set() or until()) for writer in writers))

    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(write())
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
