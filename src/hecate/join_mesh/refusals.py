"""What was refused of peers and of those who only say that they are: counted, and each kind of each logged once."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

import structlog

log = structlog.get_logger(__name__)

Kind = Literal["card", "name", "seal", "shut_out", "flood", "denied", "limit", "fact", "enrolment", "certificate"]
MOST_LOGGED: Final = 1000
"""Who makes up names must not fill the log, nor the memory."""


class Refusals:
    """Counts by kind."""

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self._logged: set[tuple[Kind, str]] = set()

    def count(self, kind: Kind, who: str, why: str) -> None:
        """Count one refusal of *who*, an identity or an address."""
        self.counts[kind] += 1
        if (kind, who) not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add((kind, who))
            log.warning("mesh refused", kind=kind, peer=who, error=why)
