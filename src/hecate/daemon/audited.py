"""Puts every request that is to change something into the audit log, with the program that has sent it."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Final, NamedTuple

from hecate.daemon.access import READING
from hecate.daemon.audit_log import AuditEntry, AuditLog
from hecate.daemon.request_log import Application, Message, Receive, Send
from hecate.endpoints import Peer

SECONDS_REMEMBERED: Final = 1.0
"""How long a process's program is taken to be the same: it may run another one, and its number go to another."""
MOST_REMEMBERED: Final = 1000
LONGEST_PATH: Final = 300
LONGEST_COMMAND_BYTES: Final = 4096
MOST_WORDS: Final = 4

# A word that names something: short, or with slashes.  What else a command line holds may be a key, or somebody's text.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,24}|/?(?:[A-Za-z0-9_.@+-]{1,40}/)+[A-Za-z0-9_.@+-]{1,40}")
_AFTER_WHICH: Final = frozenset({"-m"})
"""Options after which a name follows, as in ``python -m hecate``."""


class Program(NamedTuple):
    """What a process runs."""

    file: str
    command: str


class Audited:
    """*application*, every request to which that does more than read is in *log*."""

    def __init__(self, application: Application, log: AuditLog, via: str) -> None:
        self._application = application
        self._log = log
        self._via = via
        self._programs: dict[int, tuple[float, Program]] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["method"] in READING or not self._log.is_on:
            await self._application(scope, receive, send)
            return
        peer: Peer | None = scope["state"]["peer"]
        # Now, while the caller waits for the answer, and is there.
        program = NOBODY if peer is None else self._program(peer.pid)
        sending = _Sending(send)
        try:
            await self._application(scope, receive, sending)
        finally:
            self._log.add(
                AuditEntry(
                    at=time.time(),
                    method=scope["method"],
                    path=scope["path"][:LONGEST_PATH],
                    status=sending.status,
                    request_id=next(
                        (value.decode() for name, value in scope["headers"] if name == b"x-request-id"), ""
                    ),
                    via=self._via,
                    uid=None if peer is None else peer.uid,
                    pid=None if peer is None else peer.pid,
                    program=program.file,
                    command=program.command,
                )
            )

    def _program(self, pid: int) -> Program:
        now = time.monotonic()
        known = self._programs.get(pid)
        if known is not None and now - known[0] < SECONDS_REMEMBERED:
            return known[1]
        if len(self._programs) >= MOST_REMEMBERED:
            self._programs.clear()
        found = program_of(pid)
        self._programs[pid] = (now, found)
        return found


class _Sending:
    """*send*, as ASGI calls it, which tells the answer's status."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        # No coroutine: every piece of a stream would have to pass it.
        if message["type"] == "http.response.start":
            self.status = message["status"]
        return self._send(message)


NOBODY: Final = Program("", "")


def program_of(pid: int) -> Program:
    """Return what the process *pid* runs, as far as we may know it; another user's file only root sees."""
    about = Path("/proc", str(pid))
    try:
        file = str((about / "exe").readlink())
    except OSError:
        file = ""
    try:
        with (about / "cmdline").open("rb") as opened:
            words = opened.read(LONGEST_COMMAND_BYTES).decode("utf-8", "replace").split("\0")
    except OSError:
        words = []
    return Program(file, " ".join(harmless(words)))


def harmless(words: list[str]) -> list[str]:
    """Return the first of the *words* of a command line, up to where a secret, or somebody's text, may begin."""
    kept: list[str] = []
    for word in words[:MOST_WORDS]:
        if not _PLAIN.fullmatch(word) or (word.startswith("-") and word not in _AFTER_WHICH):
            break
        kept.append(word)
    return kept
