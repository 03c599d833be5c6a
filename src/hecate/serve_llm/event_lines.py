"""Cuts a body that arrives in arbitrary pieces into lines, and lines into server-sent events.

Both read bytes and give bytes: what a line or an event holds is for a JSON decoder to say, so
a cut in the middle of a UTF-8 character is of no consequence here.
"""

from __future__ import annotations

from typing import Protocol

LINE_LIMIT_BYTES = 16 * 1024 * 1024


class Overlong(ValueError):
    """A line is longer than any provider's should be."""


class Cutter(Protocol):
    """Turns pieces of a body into payloads; holds back what is not complete."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that *data* completes.

        Raises:
            Overlong: A line is too long to be one.
        """

    def flush(self) -> list[bytes]:
        """Return what the end of the body completes."""


class Lines:
    """Lines that end in LF, CR LF or CR; empty ones are left out.

    Args:
        limit_bytes: How long a line may be.
    """

    __slots__ = ("_held_bytes", "_limit_bytes", "held")

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.held: list[bytes] = []
        """What has come of a line that is not complete."""
        self._held_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that *data* completes."""
        return [line for line in self.feed_all(data) if line]

    def feed_all(self, data: bytes) -> list[bytes]:
        """Return the lines that *data* completes, with the empty ones."""
        if b"\n" not in data and b"\r" not in data:
            self._hold(data)
            return []
        if self.held:
            self.held.append(data)
            data = b"".join(self.held)
            self.held.clear()
            self._held_bytes = 0
        lines = data.splitlines()
        if data.endswith(b"\n"):
            return lines
        # A CR at the very end may be the first half of a CR LF.
        self._hold(lines.pop() + b"\r" if data.endswith(b"\r") else lines.pop())
        return lines

    def flush(self) -> list[bytes]:
        """Return the line that nothing ended."""
        rest = b"".join(self.held).rstrip(b"\r")
        self.held.clear()
        self._held_bytes = 0
        return [rest] if rest else []

    def _hold(self, data: bytes) -> None:
        self.held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > self._limit_bytes:
            raise Overlong(f"a line of more than {self._limit_bytes} bytes")


class ServerSentEvents:
    """The data of each event, as the HTML standard reads a ``text/event-stream``.

    The names and ids of events are of no use here: every provider repeats them in the data.
    """

    __slots__ = ("_data", "_lines")

    def __init__(self) -> None:
        self._lines = Lines()
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of the events that *data* completes."""
        # What nearly every read brings: whole events of one line each.
        if not self._lines.held and not self._data and data.startswith(b"data: ") and data.endswith(b"\n\n"):
            whole = data[6:-2].split(b"\n\ndata: ")
            if data.count(b"\n") == 2 * len(whole) and b"\r" not in data:
                return whole
        events: list[bytes] = []
        for line in self._lines.feed_all(data):
            self._take(line, events)
        return events

    def flush(self) -> list[bytes]:
        """Return the event that no empty line ended; providers do forget it after the last one."""
        events: list[bytes] = []
        for line in (*self._lines.flush(), b""):
            self._take(line, events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif not line:
            if self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data.clear()
        elif line.startswith(b"error:"):
            # llama.cpp's server tells of a failure in a field of its own.
            self._data.append(line[6:].lstrip())
