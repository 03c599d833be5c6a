"""What a child process prints, read from a pipe of our own.

Not asyncio's, which would have us wait for its end, and whoever holds it may never end.  And not by way of
``connect_read_pipe``: uvloop 0.23 has libuv close the pipe and then closes the Python file of that number too, which
by then may be what another thread has just opened.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable, Sequence

READ_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 8192
"""Longer lines are cut, so that a gigabyte without a line break takes no memory."""

OnLines = Callable[[Sequence[str]], None]


class OutputPipe:
    """A pipe from a child to us; `close` it in the end."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)

    def close_theirs(self) -> None:
        """Close the child's end, once the child has it."""
        os.close(self.theirs)

    def close(self) -> None:
        """Close our end."""
        os.close(self._ours)

    async def read(self, on_lines: OnLines) -> None:
        """Tell every line that is printed, without its line break, until the end of the pipe."""
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        loop, news, rest = asyncio.get_running_loop(), asyncio.Event(), ""
        loop.add_reader(self._ours, news.set)
        try:
            while True:
                news.clear()
                try:
                    chunk = os.read(self._ours, READ_BYTES)
                except BlockingIOError:
                    await news.wait()
                    continue
                if not chunk:
                    break
                *lines, rest = (rest + decode(chunk)).split("\n")
                while len(rest) > LONGEST_LINE_BYTES:
                    lines.append(rest[:LONGEST_LINE_BYTES])
                    rest = rest[LONGEST_LINE_BYTES:]
                if lines:
                    on_lines([line.removesuffix("\r") for line in lines])
                # Whoever prints without end must not keep us from everything else.
                await asyncio.sleep(0)
        finally:
            loop.remove_reader(self._ours)
        if rest := rest + decode(b"", final=True):
            on_lines([rest])
