"""The directory that holds the database: private, and one daemon's at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from hecate.daemon.errors import CannotStart
from hecate.keep_store.data_files import UNFINISHED_RESTORE

LOCK_NAME = "daemon.lock"
DATABASE_NAME = "hecate.db"
STOP_IT = "stop it first: `systemctl --user stop hecate`, or Ctrl-C where it runs"


class DataDirectory:
    """A data directory that this process has for itself until `release`.

    The kernel drops the lock when the process ends, however it ends.  The lock file stays:
    deleting it would let a third process lock a file that a second still waits for.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path, *, for_restore: bool = False) -> DataDirectory:
        """Make the directory if need be (mode 0700) and lock it.

        Raises:
            CannotStart: Another daemon has it, someone else owns it or may write to it, it cannot be made or
                written, or a restore was interrupted in it and this is not *for_restore*.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_strangers(path)
            lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise CannotStart(f"cannot use the data directory {path}: {exc.strerror}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            os.close(lock)
            by = f" (pid {owner})" if owner else ""
            raise CannotStart(f"another daemon{by} is using the data directory {path}; {STOP_IT}") from exc
        if (path / UNFINISHED_RESTORE).exists() and not for_restore:
            os.close(lock)
            raise CannotStart(f"a restore into the data directory {path} was interrupted; call `hecate restore` again")
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock)

    @property
    def database(self) -> Path:
        """The SQLite file of the event store."""
        return self.path / DATABASE_NAME

    def release(self) -> None:
        """Let another daemon have the directory."""
        os.close(self._lock)


def _refuse_strangers(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise CannotStart(f"cannot use the data directory {path}: it belongs to user id {found.st_uid}")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        raise CannotStart(f"cannot use the data directory {path}: others may write to it (mode {mode:04o}; use 0700)")
