"""Files that somebody's tests have left: read within bounds, and only if they are files."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 64 * 1024 * 1024


class Unreadable(Exception):
    """The file is missing, none, too large, or not what it should be; the message says which."""


def opened(path: Path) -> BinaryIO:
    """Return the file at *path*, open for reading.

    Raises:
        Unreadable: It is missing, no file, or larger than `MOST_BYTES`.
    """
    try:
        # A pipe of that name would have us wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise Unreadable(f"cannot read {path.name}: {exc.strerror}") from exc
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
        os.close(handle)
        raise Unreadable(f"{path.name} is no file, or larger than {MOST_BYTES // 2**20} MiB")
    return os.fdopen(handle, "rb")


def is_fresh(path: Path, since_ns: int) -> bool:
    """Tell whether *path* is a file that was written at *since_ns* (nanoseconds since 1970) or later."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_mtime_ns >= since_ns
