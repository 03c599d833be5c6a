"""What a call costs: the rates of each model in use, looked up once, in the background.

A provider is known by its address, so a model of the same name behind somebody's own gateway has no
price unless the configuration says whose prices hold.  What is not known is unknown, never guessed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
from contextvars import Context
from time import monotonic, time
from typing import TYPE_CHECKING

import msgspec
import structlog
from yarl import URL

from hecate.serve_llm.price_list import FREE, PriceQuestion, Rates

if TYPE_CHECKING:
    from hecate.serve_llm.providers.provider import Account

WHAT_COSTS_NOTHING = "free"
"""In ``prices`` of a provider: its models cost nothing."""
LOCAL_KINDS = frozenset({"local", "ollama"})
"""Providers that run models on machines of one's own."""
MOST_MODELS = 2000
"""How many models' rates are kept; who asks for more makes the oldest be looked up again."""
LOOK_UP_SECONDS = 30.0
"""The longest that a look-up may take."""
SECONDS_AFTER_FAILURE = 60.0

Key = tuple[str, str, str]

log = structlog.get_logger(__name__)


class Prices:
    """The rates of the models that are called."""

    def __init__(self) -> None:
        self._rates: dict[Key, Rates | None] = {}
        self._asked: dict[Key, PriceQuestion] = {}
        self._looking_up: asyncio.Task[None] | None = None
        self._resting_until = float("-inf")

    def rates(self, account: Account, model: str) -> Rates | None:
        """Return what *model* costs, as far as that is known now; look it up in the background if it has not been."""
        key = (account.base_url, account.prices, model)
        try:
            rates = self._rates[key]
        except KeyError:
            rates = self._rates_without_asking(key, account)
        if rates is not None and rates.until is not None and rates.until <= time():
            self._ask(key)
        return rates

    def being_looked_up(self, account: Account, model: str) -> asyncio.Task[None] | None:
        """Return what to wait for before `rates` knows all there is to know; None if it does."""
        if not self._asked:
            return None
        return self._looking_up if (account.base_url, account.prices, model) in self._asked else None

    async def looked_up(self, at_most_seconds: float) -> None:
        """Wait until everything that was asked for is known."""
        if self._looking_up is not None:
            await asyncio.wait((self._looking_up,), timeout=at_most_seconds)

    async def close(self) -> None:
        """Stop looking up."""
        if self._looking_up is not None:
            self._looking_up.cancel()
            await asyncio.gather(self._looking_up, return_exceptions=True)

    def _rates_without_asking(self, key: Key, account: Account) -> Rates | None:
        base_url, whose, model = key
        if whose == WHAT_COSTS_NOTHING:
            return self._keep(key, FREE)
        if not whose and account.kind in LOCAL_KINDS:
            return self._keep(key, None if _is_in_the_cloud(base_url, model) else FREE)
        if not whose and _is_nearby(base_url):
            return self._keep(key, None)
        self._ask(key)
        return None

    def _keep(self, key: Key, rates: Rates | None) -> Rates | None:
        while len(self._rates) >= MOST_MODELS:
            del self._rates[next(iter(self._rates))]
        self._rates[key] = rates
        return rates

    def _ask(self, key: Key) -> None:
        if key in self._asked or monotonic() < self._resting_until or len(self._asked) >= MOST_MODELS:
            return
        base_url, whose, model = key
        self._asked[key] = PriceQuestion(model, "" if whose else base_url, whose)
        if self._looking_up is None:
            self._looking_up = asyncio.create_task(self._look_up(), context=Context())

    async def _look_up(self) -> None:
        """Look up everything that is asked for: one process at a time, whoever asks for how many models."""
        try:
            while self._asked:
                questions = dict(self._asked)
                answers = await _answers([*questions.values()])
                for key, rates in zip(questions, answers, strict=True):
                    self._keep(key, rates)
                    del self._asked[key]
        except (OSError, TimeoutError, ValueError) as exc:
            self._resting_until = monotonic() + SECONDS_AFTER_FAILURE
            log.warning("no prices", reason=str(exc) or type(exc).__name__, again_in_seconds=SECONDS_AFTER_FAILURE)
        finally:
            self._asked.clear()
            self._looking_up = None


async def _answers(questions: list[PriceQuestion]) -> list[Rates | None]:
    """Return the rates that the library knows.

    Raises:
        OSError, TimeoutError, ValueError: The process cannot be started, is too slow, or fails.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hecate.serve_llm.price_list",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # No key of a provider is among it.
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        # Ctrl-C at the terminal is for the daemon to act on.
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            told, complaint = await process.communicate(msgspec.json.encode(questions))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last_line = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ValueError(f"the price list ended with {process.returncode}: {last_line}")
    return msgspec.json.decode(told, type=list[Rates | None])


def _is_in_the_cloud(base_url: str, model: str) -> bool:
    """Tell whether a model of Ollama's runs with Ollama, whose prices are nobody's to know."""
    host = URL(base_url).host or ""
    return host == "ollama.com" or host.endswith(".ollama.com") or model.endswith(("-cloud", ":cloud"))


def _is_nearby(base_url: str) -> bool:
    """Tell whether an address is nobody's whose prices are published: of this machine or network."""
    host = URL(base_url).host or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host
