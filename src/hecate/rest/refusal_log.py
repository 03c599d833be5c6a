"""What the daemon itself is at fault for, in its log: each sentence at most once in so many seconds.

Callers try again: with a full disk, a line for each refusal would be hundreds a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from hecate.dossiers.errors import HecateError

QUIET_SECONDS = 10.0
SENTENCES_REMEMBERED = 100

log = structlog.get_logger(__name__)


class RefusalLog:
    """Logs refusals.

    Args:
        clock: Gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def tell(self, error: HecateError) -> None:
        """Log *error*, or count it with the line that was written for it a moment ago."""
        now, kind = self._clock(), (error.code, str(error))
        quiet_until, repeated = self._told.get(kind, (now, 0))
        if now < quiet_until:
            self._told[kind] = (quiet_until, repeated + 1)
            return
        if len(self._told) >= SENTENCES_REMEMBERED:
            self._told.clear()
        self._told[kind] = (now + QUIET_SECONDS, 0)
        log.warning("refused", code=error.code, error=str(error), **({"repeated": repeated} if repeated else {}))
