"""Server-sent events, read from bytes that arrive in any pieces.

The format is WHATWG HTML, section 9.2.6; only ``retry`` is left out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# A bare carriage return ends a line too, unless it is the first half of "\r\n".
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class ServerSentEvent(NamedTuple):
    """One event of a stream."""

    data: str
    last_id: str
    """The newest ``id:`` so far; a reader that was cut off resumes after it."""


class EventParser:
    """Turns the pieces of one stream into its events."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._last_id = ""

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Take the next *piece* and return the events that it completes."""
        lines = _LINE_END.split(self._rest + piece)
        self._rest = lines.pop()
        events = []
        for line in lines:
            if line:
                self._take(line.decode(errors="replace"))
            elif self._data:
                events.append(ServerSentEvent("\n".join(self._data), self._last_id))
                self._data = []
        return events

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._last_id = value
