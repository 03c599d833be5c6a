"""Writers that outlive the daemon: they journal what it acknowledged, and what it did not, and try again."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 20.0

Script = Generator[tuple[str, Any], dict[str, Any], None]
"""Gives the path and the body of each command, and takes what it was answered."""


@dataclass(slots=True)
class Command:
    """A command with its idempotency key, and the answer once there is one."""

    key: str
    path: str
    body: bytes
    tries: int = 0
    answer: bytes = b""

    @property
    def answered(self) -> dict[str, Any]:
        """The answer, read as JSON."""
        answer: dict[str, Any] = json.loads(self.answer)
        return answer


@dataclass(slots=True)
class Journal:
    """All commands that were ever sent, in the order of their first try."""

    commands: list[Command] = field(default_factory=list)
    when_moved: Callable[[], None] = lambda: None
    """Called when a command goes out, and when an answer comes in."""

    @property
    def acknowledged(self) -> list[Command]:
        """Those that were answered."""
        return [command for command in self.commands if command.answer]

    @property
    def open(self) -> list[Command]:
        """Those that were sent and not answered: nobody knows what became of them."""
        return [command for command in self.commands if not command.answer]


class DaemonGone(Exception):
    """The connection ended before the answer."""


class Connection:
    """One connection to the daemon's socket, for one command at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, socket_path: Path) -> Connection:
        """Connect.

        Raises:
            DaemonGone: Nobody listens.
        """
        try:
            return cls(*await asyncio.open_unix_connection(socket_path))
        except OSError as error:
            raise DaemonGone from error

    async def close(self) -> None:
        """Close it, whatever the daemon has left of it."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def post(self, command: Command) -> tuple[int, bytes]:
        """Send *command* and return status and body of the answer.

        Raises:
            DaemonGone: There was none.
        """
        head = (
            f"POST {command.path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {command.key}\r\n"
            f"Content-Length: {len(command.body)}\r\n\r\n"
        )
        try:
            self._writer.write(head.encode() + command.body)
            async with asyncio.timeout(DEADLINE_SECONDS):
                status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines if line)
                body = await self._reader.readexactly(int(headers["content-length"]))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise DaemonGone from error
        return int(status.split()[1]), body


class Writer:
    """Does what *script* says, command by command, as often as the daemon comes back."""

    def __init__(self, name: str, script: Script, journal: Journal) -> None:
        self._name, self._script, self._journal = name, script, journal
        self._numbers = itertools.count(1)
        self._command = self._next(None)

    def _next(self, answer: dict[str, Any] | None) -> Command:
        path, body = next(self._script) if answer is None else self._script.send(answer)
        return Command(f"{self._name}-{next(self._numbers)}", path, json.dumps(body).encode())

    async def write(self, socket_path: Path, *, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until the daemon is gone or *until* holds; begin with the command that was not answered."""
        try:
            connection = await Connection.to(socket_path)
            try:
                while not until():
                    await self._carry_out(connection)
            finally:
                await connection.close()
        except DaemonGone:
            return

    async def finish(self, socket_path: Path) -> None:
        """Have the command answered that is open, if there is one."""
        command = self._command
        if command.tries:
            await self.write(socket_path, until=lambda: bool(command.answer))

    async def _carry_out(self, connection: Connection) -> None:
        command = self._command
        if not command.tries:
            self._journal.commands.append(command)
        command.tries += 1
        self._journal.when_moved()
        status, body = await connection.post(command)
        if status not in {200, 201}:
            await self.refused(command, status, body)
            return
        command.answer = body
        self._journal.when_moved()
        self._command = self._next(command.answered)

    async def refused(self, command: Command, status: int, body: bytes) -> None:
        """Take it that *command* was refused: where nothing fails but the daemon itself, that is wrong."""
        raise AssertionError(command, status, body)


def one_venture_and_common_ones(name: str, common_id: str) -> Script:
    """Discover, design and plan division after division, some in a venture of one's own, some in a common one."""
    venture_id = (yield "/api/ventures", {"name": name})["id"]
    yield f"/api/ventures/{venture_id}/discovery/start", {}
    for number in itertools.count(1):
        home = common_id if number % 2 else venture_id
        unique = f"{name}-{number}"
        division = yield f"/api/ventures/{home}/discovery/discover", {"division_name": unique}
        path = f"/api/divisions/{division['division_id']}"
        yield f"{path}/design/start", {}
        for letter in "abc":
            yield f"{path}/design/aggregate", {"aggregate_name": f"{unique}-{letter}", "description": "x" * 100}
        yield f"{path}/design/pause", {"reason": unique}
        yield f"{path}/design/resume", {}
        yield f"{path}/design/complete", {}
        yield f"{path}/plan/start", {}
        for letter in "ab":
            yield f"{path}/plan/desk", {"desk_name": f"{unique}-{letter}"}
        yield f"{path}/plan/dependency", {"from_desk": f"{unique}-a", "to_desk": f"{unique}-b"}
        yield f"{path}/plan/sequence", {}
