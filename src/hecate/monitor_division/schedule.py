"""When each check is due: one heap of all, by the time at which they are."""

from __future__ import annotations

import heapq
from collections.abc import Iterator


class Schedule:
    """Says which checks are due.  Times are seconds of a clock that only moves forward."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._newest: dict[str, int] = {}
        """The number of each check's one entry that counts; its others in the heap are passed over."""
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._newest)

    def add(self, check_id: str, at: float) -> None:
        """Have a check fall due at *at*, and not when it was to before."""
        self._numbers += 1
        self._newest[check_id] = self._numbers
        heapq.heappush(self._heap, (at, self._numbers, check_id))

    def remove(self, check_id: str) -> None:
        """Have a check fall due no more."""
        self._newest.pop(check_id, None)

    def next_at(self) -> float | None:
        """Return when the next check falls due; None: there is none."""
        while self._heap and self._newest.get(self._heap[0][2]) != self._heap[0][1]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[tuple[str, float]]:
        """Give each check that is due at *now*, and since when, and take it off."""
        while (at := self.next_at()) is not None and at <= now:
            _, _, check_id = heapq.heappop(self._heap)
            del self._newest[check_id]
            yield check_id, at
