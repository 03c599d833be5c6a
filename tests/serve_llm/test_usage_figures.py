"""What is counted of the calls."""

from __future__ import annotations

from msgspec.structs import replace

from hecate.endpoints import Stopwatch
from hecate.serve_llm.pieces import Usage
from hecate.serve_llm.usage_entry import Entry, finished_before_it_began
from hecate.serve_llm.usage_figures import MOST_MODELS, OTHER, Figures, Histogram
from tests.serve_llm.test_usage_recorder import ACCOUNT

FINISHED = finished_before_it_began(ACCOUNT, "m", "ok", streamed=True)


def entry(
    *, model: str = "m", outcome: str = "ok", cost_usd: float | None = 0.5, overhead: float | None = None
) -> Entry:
    """Return a streamed call of 15 tokens in and 8 out, that took 2 s and began to answer after 1 s."""
    stopwatch = Stopwatch()
    stopwatch.overhead_seconds = overhead
    finished = replace(
        FINISHED,
        model=model,
        outcome=outcome,
        first_piece_seconds=1.0,
        total_seconds=2.0,
        usage=Usage.of(15, 8, cached=5, reasoning=3),
    )
    return Entry(
        account=ACCOUNT,
        operation="chat",
        asked_model=model,
        stopwatch=stopwatch,
        finished=finished,
        cost_usd=cost_usd,
    )


def test_a_value_is_counted_below_its_bound() -> None:
    """A value at a bound belongs to it; those above all have a place, too."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert (histogram.counts, histogram.total) == ([2, 2, 1], 7.5)


def test_calls_add_up_by_model() -> None:
    """Outcomes, tokens, cost and times."""
    figures = Figures()
    figures.count(entry())
    figures.count(entry(outcome="cancelled", cost_usd=None, overhead=0.0004))
    counted = figures.models["p", "m"]
    assert counted.outcomes == {"ok": 1, "cancelled": 1}
    assert (counted.prompt_tokens, counted.completion_tokens) == (30, 16)
    assert (counted.cached_tokens, counted.reasoning_tokens) == (10, 6)
    assert (counted.cost_usd, counted.unpriced) == (0.5, 1)
    assert (sum(counted.first_piece.counts), counted.first_piece.total) == (2, 2.0)
    assert (sum(counted.total.counts), counted.total.total) == (2, 4.0)
    assert sum(figures.overhead[True].counts) == 1
    assert sum(figures.overhead[False].counts) == 0


def test_made_up_models_do_not_fill_the_memory() -> None:
    """Those that are too many are one."""
    figures = Figures()
    for number in range(MOST_MODELS + 50):
        figures.count(entry(model=f"m{number}"))
    assert len(figures.models) == MOST_MODELS + 1
    assert figures.models["p", OTHER].outcomes == {"ok": 50}
    figures.count(entry(model="m0"))
    assert figures.models["p", "m0"].outcomes == {"ok": 2}
