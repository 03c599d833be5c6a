"""The audit log: who has asked for what to be done, in files of the data directory that grow to a bound.

``audit.log`` has a JSON object a line; full, it becomes ``audit.log.1``, that ``audit.log.2``, and the oldest goes.
Lines are written together, some times a second and by a thread, so that no command waits for the disk: a ``kill -9``
can cost the last of them.  Whoever has appended an event is with the event too, and that is never lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import structlog
from msgspec import Meta, Struct

FILE_NAME: Final = "audit.log"
SECONDS_BETWEEN_WRITES: Final = 0.2
MOST_WAITING: Final = 100_000
"""Entries that wait for a disk that takes none; further ones are counted and lost."""
MIB: Final = 1024 * 1024
LINES_A_STEP: Final = 50
"""How many are put together, in some 0.3 ms, before others are served."""
ALIKE: Final = 200
"""Paths and command lines that are remembered while entries are written."""

log = structlog.get_logger(__name__)


class AuditSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[audit]``: how much is kept of who has asked for what."""

    file_mib: Annotated[int, Meta(ge=1, le=10_000)] = 8
    """How large a file becomes, some 4,000 lines each MiB."""
    files: Annotated[int, Meta(ge=0, le=100)] = 5
    """How many are kept; 0: nothing is."""


class AuditEntry(Struct, frozen=True, omit_defaults=True, gc=False):
    """One request that was to change something."""

    at: float
    """Seconds since 1970; as a date in the file."""
    method: str
    path: str
    status: int
    """Of the answer; 0: there was none."""
    request_id: str
    via: str
    """``socket`` or ``http``."""
    uid: int | None = None
    """None over HTTP, where nobody knows it."""
    pid: int | None = None
    program: str = ""
    """The file that the caller runs; empty: the kernel does not tell us."""
    command: str = ""
    """The beginning of the command line, as far as there can be no secret in it."""


class AuditLog:
    """The log in the folder *data*.

    Args:
        data: The data directory.
        settings: How much is kept.
        clean: Takes keys out of a text.
    """

    def __init__(self, data: Path, settings: AuditSettings, clean: Callable[[str], str]) -> None:
        self._path = data / FILE_NAME
        self._settings = settings
        self._clean = clean
        self._waiting: list[AuditEntry] = []
        self._lost = 0
        """Entries of which there were too many since something was last written."""
        self._is_stuck = False
        self._writing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.is_on = settings.files > 0

    def add(self, entry: AuditEntry) -> None:
        """Write *entry*, soon."""
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(entry)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def close(self) -> None:
        """Write what waits."""
        self._closing.set()
        if self._writing is not None:
            await asyncio.wait((self._writing,))
        await self._write()

    async def _write_soon(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_BETWEEN_WRITES):
                await self._closing.wait()
        try:
            await self._write()
        finally:
            self._writing = None
        if self._waiting and not self._closing.is_set():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def _write(self) -> None:
        """Append all that waits; where the disk does not take it, it waits on."""
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        # Of what is busy most entries are alike, and a look for keys takes longer than all else.
        clean = lru_cache(ALIKE)(self._clean)
        lines: list[bytes] = []
        # Not in the thread, which would hold the interpreter up for longer than any of these steps does.
        for entry in entries:
            lines.append(_line(entry, clean))
            if not len(lines) % LINES_A_STEP:
                await asyncio.sleep(0)
        try:
            await asyncio.to_thread(self._append, b"".join(lines))
        except OSError as exc:
            room = MOST_WAITING - len(self._waiting)
            self._lost += max(0, len(entries) - room)
            self._waiting = [*entries[:room], *self._waiting]
            if not self._is_stuck:
                # Once, for it is tried again some times a second.
                log.warning("the audit log cannot be written", file=str(self._path), reason=exc.strerror)
            self._is_stuck = True
        else:
            if self._is_stuck:
                log.warning("the audit log is written again", file=str(self._path), lost=self._lost)
            self._is_stuck, self._lost = False, 0

    def _append(self, lines: bytes) -> None:
        # Opened each time, some times a second at the most: whoever moves the file away gets a new one.
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        size = os.fstat(file).st_size
        written = 0
        try:
            while written < len(lines):
                written += os.write(file, lines[written:])
        except OSError:
            # Half of what was to be appended would be there twice in the end.
            os.ftruncate(file, size)
            raise
        finally:
            os.close(file)
        if size + len(lines) >= self._settings.file_mib * MIB:
            self._rotate()

    def _rotate(self) -> None:
        """Make room: each file takes the next number, and the last one goes."""
        names = [numbered(self._path.parent, number) for number in range(self._settings.files)]
        names[-1].unlink(missing_ok=True)
        for older, newer in reversed([*zip(names[1:], names[:-1], strict=True)]):
            if newer.exists():
                newer.replace(older)


def _line(entry: AuditEntry, clean: Callable[[str], str]) -> bytes:
    at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = msgspec.to_builtins(entry)
    told |= {"at": at, "path": clean(entry.path), "command": clean(entry.command)}
    return msgspec.json.encode(told) + b"\n"


def numbered(data: Path, number: int) -> Path:
    """Return the file that has been full for *number* times; 0: the one that is written."""
    return data / (f"{FILE_NAME}.{number}" if number else FILE_NAME)


def read_audit(data: Path) -> Iterator[dict[str, Any]]:
    """Give what the audit log in *data* has, the newest first; a line that a crash has cut off is passed over.

    Raises:
        OSError: It may not be read.
    """
    for number in count():
        try:
            lines = numbered(data, number).read_bytes().splitlines()
        except FileNotFoundError:
            # The one that is written is missing after each time that it was full.
            if number:
                return
            continue
        for line in reversed(lines):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError:
                continue
