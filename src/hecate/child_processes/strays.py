"""Processes that a job has left behind, found by the mark in their environment.

A process may leave its group and its parent; the environment that it began with stays with it, and with
its own children.  Linux tells it in ``/proc``; elsewhere only the process group is ended.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "HECATE_JOB"
"""The variable in the environment of every child process: the store's mark, the job's id, the child's number."""

PROCESSES = Path("/proc")
PATIENCE_SECONDS = 5.0
SECONDS_BETWEEN_LOOKS = 0.02


def mark_of_store(data_dir: Path) -> str:
    """Return the mark of all that is started for the store in *data_dir*."""
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]


def end(mark: str, session: int = 0) -> int:
    """Kill every process whose mark begins with *mark*, and those that they start meanwhile; return how many.

    It blocks until they are gone, at most some seconds: what is in the middle of a broken disk's answer stays.

    Args:
        mark: The beginning of a mark.
        session: Of processes that may be ending already; 0: none.
    """
    seen: set[int] = set()
    until = time.monotonic() + PATIENCE_SECONDS
    while (found := _found(mark, session)) and time.monotonic() < until:
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        seen |= set(found)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    left = seen if session else set()
    while (left := set(filter(_is_unnoted, left))) and time.monotonic() < until:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return len(seen)


def marked(mark: str) -> list[int]:
    """Return the ids of the running processes whose mark begins with *mark*, our own excepted."""
    return _found(mark)


def _found(mark: str, session: int = 0) -> list[int]:
    """Return those with the mark, and those of the session that are about to be gone."""
    wanted = f"{MARK}={mark}".encode()
    if not PROCESSES.is_dir():
        return []
    others = (entry for entry in PROCESSES.iterdir() if entry.name.isdecimal() and int(entry.name) != os.getpid())
    return [int(entry.name) for entry in others if _has(entry, wanted, session)]


def _has(process: Path, wanted: bytes, session: int) -> bool:
    try:
        environment = _environment_of(process)
        if session and not environment:
            return _is_ending(process, session)
    except OSError:
        return False  # it has ended meanwhile, or is another user's
    return environment.startswith(wanted) or b"\0" + wanted in environment


def _environment_of(process: Path) -> bytes:
    """Return its environment; empty where it has let go of its memory, which kernels tell in one way or the other."""
    try:
        return (process / "environ").read_bytes()
    except ProcessLookupError:
        return b""


def _is_ending(process: Path, session: int) -> bool:
    """Tell whether a process of *session* without memory has not let go of its files yet, such as a port."""
    state, parent, _, its_session = (process / "stat").read_bytes().rpartition(b") ")[2].split()[:4]
    if int(its_session) != session:
        return False
    if state not in {b"Z", b"X"}:
        return True
    if int(parent) == os.getpid():
        _is_unnoted(int(process.name))
    return False


def _is_unnoted(process: int) -> bool:
    """Let a child of ours go that has ended, and tell whether it has not ended yet.

    The end of an orphan is noted by the first process of the machine; in a container, we may be that.
    """
    try:
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False  # it is none of ours
