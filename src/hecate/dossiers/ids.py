"""Ids that grow: what is made one after the other lies side by side in the store's indexes."""

from __future__ import annotations

import random
import time

COUNTER_BITS = 12
RANDOM_BITS = 20


class IdSource:
    """Gives the unique part of ids: 20 hexadecimal digits, each greater than the one before.

    It is the time in milliseconds with a counter, so that no two are the same, and a random
    end, for a store that forgot its newest events.  For one thread.

    Args:
        since: When the newest events were recorded at the latest, in milliseconds since 1970, UTC: a clock set
            back while the daemon was down, or before, does not bring back old ids.
    """

    def __init__(self, since: int = 0) -> None:
        self._last = (since + 1) << COUNTER_BITS

    def next(self) -> str:
        """Return the next one."""
        self._last = max(self._last + 1, (time.time_ns() // 1_000_000) << COUNTER_BITS)
        return f"{self._last:015x}{random.getrandbits(RANDOM_BITS):05x}"
