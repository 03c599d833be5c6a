"""What an application prints, in files that do not grow for ever."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import structlog

from hecate.dossiers.times import rfc3339

MOST_BYTES = 1024 * 1024
"""Of the file; when it is full, it becomes ``.1``, and what that was is gone."""

log = structlog.get_logger(__name__)


class ApplicationLog:
    """The log in the file *path*, each line with its time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_complained_of = False

    @property
    def earlier(self) -> Path:
        """Where the lines before those in `path` are."""
        return self.path.with_suffix(f"{self.path.suffix}.1")

    def add(self, lines: Iterable[str]) -> None:
        """Add *lines*; where the disk does not take them, they are lost, and the application runs on."""
        now = rfc3339(int(time.time() * 1000))
        try:
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.writelines(f"{now} {line}\n" for line in lines)
                is_full = file.tell() > MOST_BYTES
            if is_full:
                self.path.replace(self.earlier)
        except OSError as exc:
            if not self._is_complained_of:
                log.warning("an application's log cannot be written", file=str(self.path), error=str(exc))
            self._is_complained_of = True

    def last(self, count: int) -> list[str]:
        """Return the last *count* lines, the oldest first."""
        kept: deque[str] = deque(maxlen=count)
        for path in (self.earlier, self.path):
            try:
                with path.open(encoding="utf-8", errors="replace") as file:
                    kept.extend(line.rstrip("\n") for line in file)
            except FileNotFoundError:
                continue
        return list(kept)
