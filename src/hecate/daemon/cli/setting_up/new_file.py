"""Files that are written once, and never over what somebody else has written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Outcome = Literal["written", "there already", "kept as it was"]

OWNER_ONLY = 0o600
READABLE = 0o644


def put(path: Path, text: str, *, mode: int = READABLE, replace: Callable[[], bool] = lambda: False) -> Outcome:
    """Write *text* to *path*, and make the folders on the way, which are their owner's alone.

    Args:
        path: Where to.
        text: What it shall hold.
        mode: Its permissions, from its first byte on.
        replace: Asked where another text is there; only if it says so, that is replaced.

    Raises:
        OSError: It cannot be written, or what is there cannot be read.
    """
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return "there already"
        if not replace():
            return "kept as it was"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # Never readable to others, not even for a moment; and whole, or not there.
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    beside.replace(path)
    return "written"
