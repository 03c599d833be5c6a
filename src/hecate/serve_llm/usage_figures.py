"""Counts of all calls since the start, for whoever watches the daemon: ``GET /metrics`` shows them.

Counting a call takes 2 µs.  However many models the clients make up, the figures stay bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hecate.serve_llm.usage_entry import Entry

MOST_MODELS: Final = 200
"""Of how many models there are figures; those of further ones are added up under `OTHER`."""
OTHER: Final = "other"

FIRST_PIECE_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
TOTAL_BOUNDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OVERHEAD_BOUNDS: Final = (0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0)


class Histogram:
    """How often a value was at most so large.

    Args:
        bounds: In seconds, the least first.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """How many values there were up to each bound and above the one before; last, those above all."""
        self.total = 0.0
        """The sum of all values."""

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class ModelFigures:
    """The figures of one model at one provider."""

    __slots__ = (
        "cached_tokens",
        "completion_tokens",
        "cost_usd",
        "first_piece",
        "outcomes",
        "prompt_tokens",
        "reasoning_tokens",
        "total",
        "unpriced",
    )

    def __init__(self) -> None:
        self.outcomes: defaultdict[str, int] = defaultdict(int)
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self.reasoning_tokens = 0
        self.cost_usd = 0.0
        self.unpriced = 0
        """Calls whose cost is not known."""
        self.first_piece = Histogram(FIRST_PIECE_BOUNDS)
        """Of streamed calls."""
        self.total = Histogram(TOTAL_BOUNDS)


class Figures:
    """The figures of all calls."""

    def __init__(self) -> None:
        self.models: dict[tuple[str, str], ModelFigures] = {}
        """By provider and model."""
        self.overhead = {streamed: Histogram(OVERHEAD_BOUNDS) for streamed in (False, True)}
        """What the gateway has taken itself, until the answer began; by whether it was streamed."""

    def count(self, entry: Entry) -> None:
        """Count a call that has ended."""
        finished = entry.finished
        figures = self.models.get((finished.provider, finished.model))
        if figures is None:
            figures = self._figures(finished.provider, finished.model)
        figures.outcomes[finished.outcome] += 1
        figures.total.observe(finished.total_seconds)
        if finished.streamed and finished.first_piece_seconds is not None:
            figures.first_piece.observe(finished.first_piece_seconds)
        usage = finished.usage
        if usage.total_tokens:
            figures.prompt_tokens += usage.prompt_tokens
            figures.completion_tokens += usage.completion_tokens
            figures.cached_tokens += usage.cached_tokens
            figures.reasoning_tokens += usage.reasoning_tokens
        if entry.cost_usd:
            figures.cost_usd += entry.cost_usd
        elif entry.is_unpriced:
            figures.unpriced += 1
        overhead_seconds = entry.stopwatch.overhead_seconds
        if overhead_seconds is not None:
            self.overhead[finished.streamed].observe(overhead_seconds)

    def _figures(self, provider: str, model: str) -> ModelFigures:
        key = (provider, model if len(self.models) < MOST_MODELS else OTHER)
        return self.models.setdefault(key, ModelFigures())
