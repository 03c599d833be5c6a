"""Files and folders that appear whole, or not at all, whatever happens meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from hecate.dossiers.errors import Refused, Unavailable

UNFINISHED: Final = ".hecate.unfinished"
"""The folder beside the target in which it is made; what a kill leaves of it, the next one takes away."""


@contextmanager
def workshop(beside: Path) -> Iterator[Path]:
    """Give an empty folder in the same folder as *beside*, for its owner alone; it is gone afterwards.

    Raises:
        Refused: Another process is at work there.
        Unavailable: The disk refuses.
    """
    folder = beside.parent / UNFINISHED
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise Unavailable(f"cannot write beside {beside}: {exc.strerror}") from exc
    try:
        with _alone(lock, beside):
            try:
                for left in folder.iterdir():
                    _remove(left)
                yield folder
            except OSError as exc:
                raise Unavailable(f"cannot write {beside}: {exc.strerror or exc}") from exc
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


@contextmanager
def _alone(lock: int, beside: Path) -> Iterator[None]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise Refused(f"another process is writing into {beside.parent}") from exc
    yield


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file for its owner alone, open for writing; it is on the disk at the end."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(file, "wb") as opened:  # noqa: PTH123 - the descriptor is there already
        yield opened
        opened.flush()
        os.fsync(opened.fileno())


def put_in_place(made: Path, target: Path) -> None:
    """Give the finished *made*, a file or a folder, the name *target*, which nothing may have.

    Raises:
        Refused: Something has it.
    """
    try:
        if made.is_dir():
            # Over an empty folder too: nothing is lost with one.
            made.rename(target)
        else:
            os.link(made, target)
            made.unlink()
    except OSError as exc:
        if exc.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR}:
            raise Refused(f"{target} exists already; nothing was overwritten") from exc
        raise
    sync_folder(target.parent)


def sync_tree(folder: Path) -> None:
    """Have everything below *folder* on the disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.open(Path(path) / name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        sync_folder(Path(path))


def sync_folder(folder: Path) -> None:
    """Have the names in *folder* on the disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
