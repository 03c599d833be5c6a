"""Ids that grow: what is made one after the other lies side by side in the store's indexes."""

from __future__ import annotations

import random
import time

COUNTER_BITS = 12
RANDOM_BITS = 20


class IdSource:
    """Gives the unique part of ids: 20 hexadecimal digits, each greater than the one before.

    It is the time in milliseconds with a counter, so that no two are the same, and a random
    end, so that a clock set back while the daemon was down does no harm.  For one thread.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Return the next one."""
        self._last = max(self._last + 1, (time.time_ns() // 1_000_000) << COUNTER_BITS)
        return f"{self._last:015x}{random.getrandbits(RANDOM_BITS):05x}"
