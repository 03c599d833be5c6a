"""What is known of prices, and when."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from hecate.serve_llm.pieces import Usage
from hecate.serve_llm.price_list import FREE, Rates
from hecate.serve_llm.prices import Prices
from hecate.serve_llm.providers.provider import Account

OPENAI = Account(name="openai", kind="openai", base_url="https://api.openai.com/v1", api_key="sk-secret")


@pytest.fixture
async def prices() -> AsyncIterator[Prices]:
    """Prices of which nothing is known yet."""
    prices = Prices()
    yield prices
    await prices.close()


async def looked_up(prices: Prices, account: Account, model: str) -> Rates | None:
    """Return what *model* costs, once that was looked up."""
    prices.rates(account, model)
    if (looking := prices.being_looked_up(account, model)) is not None:
        await looking
    return prices.rates(account, model)


def at(base_url: str, kind: str = "openai", prices: str = "") -> Account:
    """Return an account of a provider at *base_url*."""
    return Account(name="p", kind=kind, base_url=base_url, prices=prices)


async def test_a_price_is_looked_up_in_the_background(prices: Prices) -> None:
    """Whoever asks first is not held up, and may wait."""
    assert prices.rates(OPENAI, "gpt-4o") is None
    looking = prices.being_looked_up(OPENAI, "gpt-4o")
    assert looking is not None
    await looking
    rates = prices.rates(OPENAI, "gpt-4o")
    assert rates is not None
    assert rates.cost(Usage.of(1_000_000, 0)) == pytest.approx(2.5)
    assert prices.being_looked_up(OPENAI, "gpt-4o") is None


async def test_an_unknown_model_is_looked_up_once(prices: Prices) -> None:
    """That nobody knows its price is known, too."""
    assert await looked_up(prices, OPENAI, "no-such-model") is None
    assert prices.rates(OPENAI, "no-such-model") is None
    assert prices.being_looked_up(OPENAI, "no-such-model") is None


async def test_what_is_asked_for_meanwhile_is_looked_up_together(prices: Prices) -> None:
    """There is one process at a time, however many models are asked for."""
    models = [f"no-such-model-{number}" for number in range(50)]
    for model in ("gpt-4o", *models):
        prices.rates(OPENAI, model)
    looking = {prices.being_looked_up(OPENAI, model) for model in ("gpt-4o", *models)}
    (task,) = looking
    assert task is not None
    await task
    assert prices.rates(OPENAI, "gpt-4o") is not None
    assert prices.being_looked_up(OPENAI, models[-1]) is None


@pytest.mark.parametrize(
    ("account", "model", "rates"),
    [
        (at("http://127.0.0.1:11434", "ollama"), "llama3.2:latest", FREE),
        (at("http://gpu.example.com:11434", "ollama"), "llama3.2:latest", FREE),
        (at("http://127.0.0.1:8080/v1"), "gpt-4o", None),
        (at("http://llm.lan/v1", prices="free"), "gpt-4o", FREE),
        (at("http://127.0.0.1:11434", "ollama"), "gpt-oss:120b-cloud", None),
        (at("https://ollama.com", "ollama"), "gpt-oss:120b", None),
        (at("http://gateway/v1"), "gpt-4o", None),
    ],
)
async def test_nobody_is_asked_about_what_nobody_publishes(
    prices: Prices, account: Account, model: str, rates: Rates | None
) -> None:
    """Ollama's own models and what is configured as free cost nothing; a server nearby may cost anything."""
    assert prices.rates(account, model) == rates
    assert prices.being_looked_up(account, model) is None


async def test_the_configuration_may_say_whose_prices_hold(prices: Prices) -> None:
    """A gateway that bills as OpenAI does."""
    rates = await looked_up(prices, at("http://127.0.0.1:8080/v1", prices="openai"), "gpt-4o")
    assert rates is not None
    assert rates == await looked_up(prices, OPENAI, "gpt-4o")


async def test_closing_ends_the_look_up(prices: Prices) -> None:
    """Nothing is left behind, and it is known no more than before."""
    prices.rates(OPENAI, "gpt-4o")
    looking = prices.being_looked_up(OPENAI, "gpt-4o")
    await asyncio.sleep(0)
    await prices.close()
    assert looking is not None
    assert looking.done()


def test_the_daemon_does_not_import_the_library() -> None:
    """It would weigh as much as half of the daemon."""
    modules = "hecate.daemon.main, hecate.serve_llm.prices, hecate.serve_llm.price_list"
    code = f"import sys, {modules}; print(sorted({{'genai_prices', 'pydantic', 'httpx2'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "[]\n"
