"""Shows an answer on a terminal while it comes, as often as is good for the eye and for the processor."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Final, Self

from hecate.daemon.cli.markdown_page import MarkdownPage
from hecate.daemon.cli.output import OutputFailed

LEAST_SECONDS: Final = 0.05
"""Between two drawings."""
DRAWING_SHARE: Final = 4
"""At most one part in so many of the time goes into drawing."""
SILENT_SECONDS: Final = 0.7
"""After how long without a word it is shown that one is waited for."""
WAITING: Final = "\x1b[2m…\x1b[0m"


class MarkdownView:
    """Shows a text that grows, as a context; at its end everything is there.

    Args:
        write: Writes to the terminal, whose cursor is at the beginning of a line.
        colour: Whether colours may be used.
    """

    def __init__(self, write: Callable[[str], None], *, colour: bool = True) -> None:
        self._write = write
        self._page = MarkdownPage(shutil.get_terminal_size, colour=colour)
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._ended = threading.Event()
        self._drawing = threading.Thread(target=self._keep_drawing, daemon=True)

    def __enter__(self) -> Self:
        self._drawing.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._news.set()
        self._drawing.join()
        self._draw(self._page.drawn(is_final=True))

    def add(self, text: str, *, aside: bool = False) -> None:
        """Show more; *aside* is what a model says to itself, and no markdown."""
        if text:
            with self._lock:
                self._draw(self._page.add(text, aside=aside))
            self._news.set()

    def _draw(self, drawing: str) -> None:
        if drawing:
            self._write(drawing)

    def _keep_drawing(self) -> None:
        # A terminal that is gone is told of where the answer is read.
        with suppress(OSError, OutputFailed):
            if not self._news.wait(SILENT_SECONDS):
                with self._lock:
                    if self._page.is_empty:
                        self._draw(self._page.replaced((), (WAITING,)))
            pause_seconds = 0.0
            while not self._ended.wait(pause_seconds):
                self._news.wait()
                self._news.clear()
                began = monotonic()
                with self._lock:
                    if not self._ended.is_set():
                        self._draw(self._page.drawn())
                pause_seconds = max(LEAST_SECONDS, (monotonic() - began) * (DRAWING_SHARE - 1))
