"""A disk that fails on demand: SQLite's own files, with an error where the test wants one."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import apsw

BELOW = "unix"


class FailingDisk:
    """While it is entered, SQLite opens files through it.

    Set ``on_sync`` or ``on_write`` to the error that the next ones shall end with, and to None
    to have them work again.  While it ``loses_writes``, what is written is not there afterwards, and nobody is told.
    """

    def __init__(self) -> None:
        self.on_sync: apsw.Error | None = None
        self.on_write: apsw.Error | None = None
        self.loses_writes = False
        self.syncs = 0
        """How many there were; a commit needs one."""

    def __enter__(self) -> Self:
        self._vfs = _FileSystem(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._vfs.unregister()


class _FileSystem(apsw.VFS):
    def __init__(self, disk: FailingDisk) -> None:
        super().__init__(f"failing-{id(disk)}", BELOW, makedefault=True)
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802 - SQLite's name
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        super().__init__(BELOW, name, flags)
        self._disk = disk

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.syncs += 1
        if self._disk.on_sync is not None:
            raise self._disk.on_sync
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.on_write is not None:
            raise self._disk.on_write
        if self._disk.loses_writes:
            return
        super().xWrite(data, offset)
