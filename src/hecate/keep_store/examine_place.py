"""Examines a data directory from outside: whose it is, who may read it, and how much room there is."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hecate.keep_store.data_files import EVENTS, UNFINISHED_RESTORE, files_in
from hecate.keep_store.findings import Finding
from hecate.keep_store.whole_or_nothing import UNFINISHED

LEAST_FREE_BYTES: Final = 256 * 1024 * 1024
FILES_NAMED: Final = 3
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def examine_place(data_dir: Path) -> Iterator[Finding]:
    """Give what there is to say of *data_dir*, which has a store."""
    yield _owner(data_dir)
    yield _permissions(data_dir)
    yield _room(data_dir)
    yield from _leftovers(data_dir)


def _owner(data_dir: Path) -> Finding:
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        return Finding(
            "data directory",
            "warning" if os.geteuid() == 0 else "problem",
            f"{data_dir} belongs to user id {found.st_uid}, and this is user id {os.geteuid()}",
            "call this as the daemon's user",
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        return Finding(
            "data directory", "problem", f"others may write to {data_dir} (mode {mode:04o})", f"chmod 0700 {data_dir}"
        )
    return Finding("data directory", "ok", f"{data_dir} is ours")


def _permissions(data_dir: Path) -> Finding:
    if not data_dir.stat().st_mode & _OTHERS:
        return Finding("permissions", "ok", "nobody else may look into the data directory")
    exposed = [path for path in files_in(data_dir).all if (data_dir / path).stat().st_mode & _OTHERS]
    if not exposed:
        return Finding("permissions", "ok", "every file is for its owner alone")
    named = ", ".join(exposed[:FILES_NAMED]) + (" and others" if len(exposed) > FILES_NAMED else "")
    return Finding("permissions", "warning", f"others may read {named}", f"chmod -R go= {data_dir}")


def _room(data_dir: Path) -> Finding:
    free = shutil.disk_usage(data_dir).free
    # A full copy of the store must find room: for a backup, and for a write-ahead log that nobody could end.
    wanted = max(LEAST_FREE_BYTES, 2 * (data_dir / EVENTS).stat().st_size)
    words = f"{free // 1_000_000:,} MB are free"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "problem", words, "make room: a full disk takes no commands")
    if free < wanted:
        return Finding("disk", "warning", f"{words}, and the store has half of that or more", "make room")
    return Finding("disk", "ok", words)


def _leftovers(data_dir: Path) -> Iterator[Finding]:
    if (data_dir / UNFINISHED_RESTORE).exists():
        yield Finding(
            "restore",
            "problem",
            "a restore was interrupted, and no daemon starts",
            "call `hecate restore` again; what was there first is kept in the data directory",
        )
    if (data_dir / UNFINISHED).exists():
        yield Finding(
            "unfinished",
            "warning",
            f"a rebuild or a restore was killed or is under way: {data_dir / UNFINISHED}",
            "the next one takes it away",
        )
