"""What a job tells while it works: lines of output and progress, for those who follow it and for the record.

Output is bounded however much there is: the first 64 KiB and the last are kept.  A follower who does not read
on costs nothing: it takes what is still at hand when it comes back, and is told how much it has missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from typing import Any, NamedTuple

from hecate.dossiers.job_records import JobOutput

HEAD_CHARACTERS = 64 * 1024
TAIL_CHARACTERS = 64 * 1024
LONGEST_LINE = 4096
"""Characters; the rest of a longer line is left out."""
RECENT = 2000
"""Messages at hand for followers."""


class Message(NamedTuple):
    """Something that a job has told."""

    number: int
    """From 1, without a gap."""
    kind: str
    """``output``, ``progress`` or ``state``."""
    fields: dict[str, Any]


class JobLog:
    """The log of one job; for the event loop's thread only."""

    def __init__(self) -> None:
        self.message = ""
        self.done: int | None = None
        self.total: int | None = None
        self.is_closed = False
        self.is_changed = False
        """Whether there is something that has not been recorded yet; whoever records it sets it back."""
        self._head: list[str] = []
        self._head_characters = 0
        self._tail: deque[str] = deque()
        self._tail_characters = 0
        self._skipped_lines = 0
        self._recent: deque[Message] = deque(maxlen=RECENT)
        self._number = 0
        self._news = asyncio.Event()

    @property
    def output(self) -> JobOutput:
        """What is kept of the output."""
        return JobOutput("\n".join(self._head), "\n".join(self._tail), self._skipped_lines)

    @property
    def last_line(self) -> str:
        """The last line of output that says something; empty: there is none."""
        said = (line.strip() for kept in (self._tail, self._head) for line in reversed(kept))
        return next(filter(None, said), "")

    def tell(self, *lines: str) -> None:
        """Add *lines* of output; a line may be several, with line breaks."""
        self.tell_all(piece for line in lines for piece in line.split("\n"))

    def tell_all(self, lines: Iterable[str]) -> None:
        """Add *lines*, each without its line break."""
        for line in lines:
            kept = line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " …"
            self._keep(kept)
            self._add("output", {"line": kept})
        self._announce()

    def progress(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Say what the job is at, and how much of it is done where that can be told."""
        self.message, self.done, self.total = message, done, total
        self._add("progress", {"message": message, "done": done, "total": total})
        self._announce()

    def state(self, state: str) -> None:
        """Say that the job has come into another state."""
        self._add("state", {"state": state})
        self._announce()

    def close(self) -> None:
        """Say that nothing more will come."""
        self.is_closed = True
        self._announce()

    async def closed(self) -> None:
        """Return when the job is over."""
        while not self.is_closed:
            await self._news.wait()

    async def follow(self, after: int, heartbeat_seconds: float) -> AsyncGenerator[list[Message], None]:
        """Give what is told after message number *after*, until the log is closed.

        Where nothing is told for *heartbeat_seconds*, it gives an empty list.
        """
        while True:
            news = self._news
            at_hand = [message for message in self._recent if message.number > after]
            if at_hand:
                if (missed := at_hand[0].number - after - 1) > 0:
                    at_hand.insert(0, Message(at_hand[0].number - 1, "skipped", {"messages": missed}))
                after = at_hand[-1].number
                yield at_hand
            elif self.is_closed:
                return
            else:
                try:
                    async with asyncio.timeout(heartbeat_seconds):
                        await news.wait()
                except TimeoutError:
                    yield []

    def _keep(self, line: str) -> None:
        if not self._tail and self._head_characters + len(line) < HEAD_CHARACTERS:
            self._head.append(line)
            self._head_characters += len(line) + 1
            return
        self._tail.append(line)
        self._tail_characters += len(line) + 1
        while self._tail_characters > TAIL_CHARACTERS and len(self._tail) > 1:
            self._tail_characters -= len(self._tail.popleft()) + 1
            self._skipped_lines += 1

    def _add(self, kind: str, fields: dict[str, Any]) -> None:
        self._number += 1
        self._recent.append(Message(self._number, kind, fields))

    def _announce(self) -> None:
        self.is_changed = True
        self._news.set()
        self._news = asyncio.Event()
