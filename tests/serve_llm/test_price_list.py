"""The rates that are taken from the library of prices."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
    Usage as LibrarysUsage,
)

from hecate.serve_llm.pieces import Usage
from hecate.serve_llm.price_list import FREE, PriceQuestion, rates_at, rates_now

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
USAGES = (
    Usage.of(0, 0),
    Usage.of(1, 1),
    Usage.of(1000, 200, cached=100, reasoning=30, cache_write=50),
    Usage.of(150_000, 2000, cached=100_000, reasoning=2000, cache_write=1000),
    Usage.of(300_000, 9, cached=299_999, reasoning=9, cache_write=1),
)


def model(prices: ModelPrice | list[ConditionalPrice]) -> ModelInfo:
    """Return a model of such prices."""
    return ModelInfo(id="m1", match=ClauseEquals("m1"), prices=prices)


def per_million(dollars: str, dollars_out: str = "0") -> ModelPrice:
    """Return prices for a million tokens of input and of output."""
    return ModelPrice(input_mtok=Decimal(dollars), output_mtok=Decimal(dollars_out))


def every_model() -> Iterator[ModelInfo]:
    """Give each model that the library knows."""
    for provider in get_snapshot().providers:
        yield from provider.models


def test_every_model_costs_what_the_library_says() -> None:
    """The rates give the library's own price, for all of its models, with and without cache and reasoning."""
    compared = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in every_model():
            if (rates := rates_at(each, NOW)) is None:
                continue
            for usage in USAGES:
                tokens = LibrarysUsage(
                    input_tokens=usage.prompt_tokens,
                    output_tokens=usage.completion_tokens,
                    cache_read_tokens=usage.cached_tokens,
                    cache_write_tokens=usage.cache_write_tokens,
                    output_reasoning_tokens=usage.reasoning_tokens,
                )
                price = float(each.get_prices(NOW).calc_price(tokens)["total_price"])
                assert rates.cost(usage) == pytest.approx(price, rel=1e-9, abs=1e-15), (each.id, usage)
                compared += 1
    assert compared > 5000


def test_a_long_prompt_is_dearer_as_a_whole() -> None:
    """Above the threshold every token has the higher price; at it none has."""
    prices = TieredPrices(base=Decimal(1), tiers=[Tier(start=200_000, price=Decimal(2))])
    rates = rates_at(model(ModelPrice(input_mtok=prices)), NOW)
    assert rates is not None
    assert rates.cost(Usage.of(200_000, 0)) == pytest.approx(0.2)
    assert rates.cost(Usage.of(200_001, 0)) == pytest.approx(0.400002)


def test_what_is_not_paid_for_by_tokens_has_no_rates() -> None:
    """A model that is billed by the minute is not free because it was told no minutes."""
    assert rates_at(model(ModelPrice(audio_hours=Decimal(1))), NOW) is None


def test_rates_that_will_change_say_when() -> None:
    """A date from which a new price holds is the end of the old one."""
    new = ConditionalPrice(StartDateConstraint(date(2026, 12, 1)), prices=per_million("1"))
    rates = rates_at(model([ConditionalPrice(prices=per_million("2")), new]), NOW)
    assert rates is not None
    assert rates.cost(Usage.of(1_000_000, 0)) == pytest.approx(2)
    assert rates.until == datetime(2026, 12, 1, tzinfo=UTC).timestamp()


def test_rates_of_the_night_end_in_the_morning() -> None:
    """A price for some hours of each day holds until the next of its two ends."""
    nightly = ConditionalPrice(TimeOfDateConstraint(time(16, 30), time(0, 30)), prices=per_million("1"))
    each = model([ConditionalPrice(prices=per_million("2")), nightly])
    by_day, by_night = rates_at(each, NOW), rates_at(each, NOW + timedelta(hours=7))
    assert by_day is not None
    assert by_night is not None
    assert by_day.bands[0].prompt == pytest.approx(2e-6)
    assert by_day.until == datetime(2026, 11, 25, 16, 30, tzinfo=UTC).timestamp()
    assert by_night.bands[0].prompt == pytest.approx(1e-6)
    assert by_night.until == datetime(2026, 11, 26, 0, 30, tzinfo=UTC).timestamp()


def test_the_address_tells_whose_prices_hold() -> None:
    """A model has its provider's price only at the provider's own address."""
    there = rates_now(PriceQuestion("gpt-4o", "https://api.openai.com/v1"))
    assert there is not None
    assert there.cost(Usage.of(1000, 100, cached=10)) == pytest.approx(0.0034875)
    assert rates_now(PriceQuestion("gpt-4o", "https://gateway.example.com/v1")) is None
    assert rates_now(PriceQuestion("no-such-model", "https://api.openai.com/v1")) is None
    assert rates_now(PriceQuestion("gpt-4o", "", "openai")) == there
    assert rates_now(PriceQuestion("gpt-4o", "", "no-such-provider")) is None


def test_free_is_free() -> None:
    """However many tokens."""
    assert FREE.cost(USAGES[-1]) == 0
