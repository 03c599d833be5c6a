"""Cuts a stream that is to be sent on unread: at the ends of events or lines, and nowhere else.

What is sent on ends where a client can stop reading, so that an error may follow at any time.
"""

from __future__ import annotations

from hecate.serve_llm.event_lines import LINE_LIMIT_BYTES, Overlong

END_OF_EVENT = (b"\n\n", b"\r\n\r\n")
END_OF_LINE = (b"\n",)


class WholeBlocks:
    """Gives the bytes as they came: each time all that is complete, as one.

    Comments wait for what follows them: they are no answer, and must not pass for one.

    Args:
        ends: What ends an event or a line.
        limit_bytes: How long one may be.
    """

    __slots__ = ("_ends", "_held", "_limit_bytes", "_searched")

    def __init__(self, ends: tuple[bytes, ...], limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._ends = ends
        self._limit_bytes = limit_bytes
        self._held = bytearray()
        self._searched = 0
        """How much of what is held has no end in it, or only comments."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return what *data* completes, in one item or none."""
        if not self._held and data.endswith(self._ends) and not data.startswith(b":"):
            return [data]
        self._held += data
        end = self._last_end()
        if end <= self._searched or self._is_comment(end):
            # The last bytes may be the first half of an end.
            self._searched = max(end, len(self._held) - len(self._ends[-1]) + 1, 0)
            if len(self._held) > self._limit_bytes:
                raise Overlong(f"an event of more than {self._limit_bytes} bytes")
            return []
        return [self._taken(end)]

    def flush(self) -> list[bytes]:
        """Return what nothing ended."""
        return [self._taken(len(self._held))] if self._held else []

    def _last_end(self) -> int:
        starts = ((self._held.rfind(end, self._searched), len(end)) for end in self._ends)
        return max((start + length for start, length in starts if start >= 0), default=0)

    def _is_comment(self, end: int) -> bool:
        return self._held.startswith(b":") and b"\ndata:" not in self._held[:end]

    def _taken(self, end: int) -> bytes:
        block = bytes(self._held[:end])
        del self._held[:end]
        self._searched = 0
        return block
