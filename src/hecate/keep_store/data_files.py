"""What lies in a data directory, and what of it a backup holds.

Whatever a feature keeps there is taken along unless it is named here: a new file is not forgotten.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hecate.dossiers.errors import NotFound
from hecate.keep_store.whole_or_nothing import UNFINISHED

EVENTS: Final = "hecate.db"
"""The store: the events and what follows from them."""

LOCK: Final = "daemon.lock"

UNFINISHED_RESTORE: Final = "restore.unfinished"
"""There while a restore is under way; no daemon starts beside it."""

REPLACED: Final = "replaced-"
"""What the folders begin with into which a restore puts what it found."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "models": "language models, which can be had again",
    "releases": "built releases, which can be built again",
    "services": "what deployed applications write themselves",
    "suites": "reports of test runs, whose outcomes are events",
    "workspaces": "git repositories of their own: push them",
}
"""The folders that no backup has, and why."""

_BESIDE_A_DATABASE: Final = ("-wal", "-shm", "-journal")
_UNFINISHED: Final = ".new"


class DataFiles(NamedTuple):
    """The files of a data directory that are worth a backup; paths are relative to it, with slashes."""

    databases: tuple[str, ...]
    """SQLite files, the store last: what the others refer to is in it then."""
    others: tuple[str, ...]
    left_out: tuple[str, ...]
    """Names at the top that were passed over, such as those of `LEFT_OUT`."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every file that belongs to a backup."""
        return (*self.databases, *self.others)


def files_in(folder: Path) -> DataFiles:
    """Return what there is in the data directory *folder*.

    Raises:
        NotFound: There is no store in it.
    """
    if not (folder / EVENTS).is_file():
        raise NotFound(f"there is no store in {folder}; --data-dir says where the daemon keeps its data")
    databases, others, left_out = [], [], []
    for name in sorted(path.name for path in folder.iterdir()):
        if name == UNFINISHED:
            continue
        if name in LEFT_OUT or name.startswith(REPLACED):
            left_out.append(name)
            continue
        for path in _regular_files(folder, name):
            if path.endswith(".db"):
                databases.append(path)
            elif not path.endswith((*_BESIDE_A_DATABASE, _UNFINISHED)) and path not in {LOCK, UNFINISHED_RESTORE}:
                others.append(path)
    databases.sort(key=lambda path: (path == EVENTS, path))
    return DataFiles(tuple(databases), tuple(others), tuple(left_out))


def is_served(folder: Path) -> bool:
    """Tell whether a daemon has the data directory *folder* for itself at this moment."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _regular_files(folder: Path, name: str) -> Iterator[str]:
    """Give *name*, if it is a file, or the files below it; links and sockets are none."""
    path = folder / name
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        yield name
    elif stat.S_ISDIR(mode):
        for below in sorted(path.iterdir()):
            yield from _regular_files(folder, f"{name}/{below.name}")
