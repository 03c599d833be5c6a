"""How long a reader of a stream waits for a daemon that has gone away."""

from __future__ import annotations

import time

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0


class Patience:
    """Decides whether to connect again, and after what pause.

    Args:
        seconds: How long the daemon may be away once it has been there; one that was never there is not waited for.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._was_there = False
        self._gone_since: float | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def renew(self) -> None:
        """Note that the daemon is there."""
        self._was_there = True
        self._gone_since = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def is_over(self) -> bool:
        """Note that the daemon is gone, and return whether to give up."""
        if self._gone_since is None:
            self._gone_since = time.monotonic()
        return not self._was_there or time.monotonic() - self._gone_since >= self._seconds

    def next_pause_seconds(self) -> float:
        """Return how long to wait before the next attempt: 0.05 s, doubling, at most 2 s."""
        pause = self._pause_seconds
        self._pause_seconds = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return pause
