"""Streams that outlive the daemon: they go on from the last event that they were shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hecate.dossiers.hash_chain import StoredEvent

LONGEST_LINE_BYTES = 1 << 20


class Follower:
    """Reads the stream of all events, as often as the daemon comes back."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, str]] = []
        """Position and hash of each event, in their order."""

    @property
    def position(self) -> int:
        """That of the last event; 0 before the first."""
        return self.shown[-1][0] if self.shown else 0

    async def follow(self, socket_path: Path, *, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until the daemon is gone or *until* holds."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket_path, limit=LONGEST_LINE_BYTES)
        except OSError:
            return
        ask = "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nLast-Event-ID: {}\r\n\r\n"
        try:
            writer.write(ask.format(self.position).encode())
            while not until() and (line := await reader.readline()):
                if line.startswith(b"data: ") and line.endswith(b"\n"):
                    event = json.loads(line.removeprefix(b"data: "))
                    self.shown.append((event["position"], event["hash"]))
        except OSError:
            return
        finally:
            writer.close()

    def wrongs(self, log: Sequence[StoredEvent]) -> Iterator[str]:
        """Give what is wrong with what was shown, beside the *log* as it is at the end."""
        positions = [position for position, _ in self.shown]
        if positions != list(range(1, len(positions) + 1)):
            yield "a stream has a gap, or showed an event twice"
        stored = {event.position: event.hash.hex() for event in log}
        lost = [position for position, its_hash in self.shown if stored.get(position) != its_hash]
        if lost:
            yield f"a stream showed {len(lost)} events that are not in the log, the first of them {lost[0]}"
