"""What models cost, looked up in the library `genai_prices`, in a process of its own.

    python -m hecate.serve_llm.price_list < questions.json > answers.json

The library takes 0.15 s to import and 31 MB, which a daemon need not carry for a dozen prices, and 70 µs
for each price.  So it is asked once for a model's rates, which `Rates.cost` then applies in less than 1 µs.
It touches no network: only its `UpdatePrices`, which nobody calls, fetches newer prices.
"""

from __future__ import annotations

import sys
import warnings
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genai_prices.types import ModelInfo

    from hecate.serve_llm.pieces import Usage


class PriceQuestion(Struct, frozen=True):
    """Asks for the rates of a model."""

    model: str
    """The provider's own name of it."""
    base_url: str
    """Where the provider is, which tells who it is."""
    provider: str = ""
    """Whose prices hold, by the library's name of it; empty: those of whoever has the address."""


class Band(Struct, frozen=True, array_like=True):
    """What tokens cost if a call has more than so many of input, in USD."""

    above_tokens: int
    """-1: however few."""
    call: float
    """For the call as such; most cost nothing."""
    prompt: float
    """For a token of input."""
    completion: float
    """For a token of output."""
    cached: float
    """How much more, mostly less than 0, a token of input costs that was read from the cache."""
    cache_write: float
    """How much more a token of input costs that was written to the cache."""
    reasoning: float
    """How much more a token of output costs that was reasoning."""


class Rates(Struct, frozen=True):
    """What a model costs."""

    bands: tuple[Band, ...]
    """By ``above_tokens``, the least first."""
    until: float | None = None
    """When other rates begin to hold, in seconds since 1970; None: no change is known."""

    def cost(self, usage: Usage) -> float:
        """Return what a call that took *usage* costs, in USD."""
        band = self.bands[0]
        for dearer in self.bands[1:]:
            if usage.prompt_tokens > dearer.above_tokens:
                band = dearer
        return (
            band.call
            + band.prompt * usage.prompt_tokens
            + band.completion * usage.completion_tokens
            + band.cached * usage.cached_tokens
            + band.cache_write * usage.cache_write_tokens
            + band.reasoning * usage.reasoning_tokens
        )


FREE = Rates((Band(-1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),))


def rates_now(question: PriceQuestion) -> Rates | None:
    """Return the rates that hold now, or None where the library does not know them."""
    # Imported by the child process alone.
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    now = datetime.now(UTC)
    try:
        _, model = get_snapshot().find_provider_model(
            question.model, None, question.provider or None, question.base_url or None
        )
        return rates_at(model, now)
    except (LookupError, ValueError):
        # Unknown, or with prices that contradict each other: nothing to be guessed at.
        return None


def rates_at(model: ModelInfo, now: datetime) -> Rates | None:
    """Return the rates of *model* at the time *now*, or None where it is not paid for by tokens.

    A price is linear within a band, so it is measured, token by token, rather than worked out again.
    """
    from genai_prices.types import TieredPrices, Usage  # noqa: PLC0415

    prices = model.get_prices(now)
    if prices.input_mtok is None and prices.output_mtok is None:
        return None

    def price(**tokens: int) -> float:
        return float(prices.calc_price(Usage(**tokens))["total_price"])

    call = price()
    steps = {tier.start for value in vars(prices).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    bands: list[Band] = []
    for above in (-1, *sorted(steps)):
        some = max(above + 1, 0 if 0 in steps else 1)
        all_input = price(input_tokens=some)
        one_out = price(input_tokens=some, output_tokens=1)
        bands.append(
            Band(
                above_tokens=above,
                call=call,
                prompt=(all_input - call) / some if some else 0.0,
                completion=one_out - all_input,
                cached=price(input_tokens=some, cache_read_tokens=1) - all_input if some else 0.0,
                cache_write=price(input_tokens=some, cache_write_tokens=1) - all_input if some else 0.0,
                reasoning=price(input_tokens=some, output_tokens=1, output_reasoning_tokens=1) - one_out,
            )
        )
    changes = [at.timestamp() for at in _changes(model, now) if at > now]
    return Rates(tuple(bands), min(changes, default=None))


def _changes(model: ModelInfo, now: datetime) -> Iterator[datetime]:
    """Give the times at which other prices of *model* may begin to hold."""
    for conditional in model.prices if isinstance(model.prices, list) else ():
        match conditional.constraint:
            case None:
                pass
            case constraint if hasattr(constraint, "start_date"):
                yield _at(constraint.start_date, time(tzinfo=UTC))
            case constraint:
                for day in (now.date(), now.date() + timedelta(days=1)):
                    yield _at(day, constraint.start_time)
                    yield _at(day, constraint.end_time)


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock if clock.tzinfo is not None else clock.replace(tzinfo=UTC))


def main() -> None:
    """Answer the questions on standard input: the rates of each, or null."""
    # Remarks of the library on its own data are not the daemon's.
    warnings.simplefilter("ignore")
    questions = msgspec.json.decode(sys.stdin.buffer.read(), type=list[PriceQuestion])
    answers: list[Any] = [rates_now(question) for question in questions]
    sys.stdout.buffer.write(msgspec.json.encode(answers))


if __name__ == "__main__":
    main()
