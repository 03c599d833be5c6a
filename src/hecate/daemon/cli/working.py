"""What a command is at, and for how long, on the last line of a terminal.

    with Working("copying and checking") as working:
        …
        working.tell("12,000 events")

What is quick shows nothing, and nothing is shown where nobody looks: into a pipe, a file or the journal.
"""

from __future__ import annotations

import sys
import threading
from time import monotonic
from types import TracebackType
from typing import Final, Self

import click

from hecate.daemon.cli.output import printable

QUICK_SECONDS: Final = 0.7
TICK_SECONDS: Final = 0.5
CLEAR: Final = "\r\x1b[K"


class Working:
    """A context in which *words* are shown with the seconds that it has taken so far, and gone at its end."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._is_shown = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._ticking is not None:
            self._ticking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.clear()

    def tell(self, words: str) -> None:
        """Show *words* from now on."""
        self._words = words

    def clear(self) -> None:
        """Make room for a line of the answer; what is shown comes again below it."""
        with self._lock:
            if self._is_shown:
                click.echo(CLEAR, nl=False, err=True)
                self._is_shown = False

    def _tick(self) -> None:
        began = monotonic()
        pause_seconds = QUICK_SECONDS
        while not self._ended.wait(pause_seconds):
            pause_seconds = TICK_SECONDS
            with self._lock:
                # Not after the end: what comes then is the answer's.
                if not self._ended.is_set():
                    seconds = monotonic() - began
                    click.echo(f"{CLEAR}{printable(self._words)} … {seconds:.0f} s", nl=False, err=True)
                    self._is_shown = True
