"""Times: kept as milliseconds since 1970, UTC; shown as RFC 3339."""

from __future__ import annotations

import time
from functools import lru_cache


def rfc3339(milliseconds: int) -> str:
    """Return *milliseconds* since 1970, UTC, to the second: ``2026-02-10T10:00:00Z``."""
    return f"{_to_the_second(milliseconds // 1000)}Z"


def rfc3339_or_none(milliseconds: int | None) -> str | None:
    """Return `rfc3339` of *milliseconds*, or None for None."""
    return None if milliseconds is None else rfc3339(milliseconds)


def rfc3339_milliseconds(milliseconds: int) -> str:
    """Return *milliseconds* since 1970, UTC, in full: ``2026-02-10T10:00:00.125Z``."""
    return f"{_to_the_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=256)  # what is answered together happened together
def _to_the_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
