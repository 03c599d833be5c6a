"""Keeps account of every call of a model: what it costs, for whom, and how long it takes.

    with ledger.begin(provider, model, streamed=True) as call:
        …

A call only notes its end.  Once a second, or when there are many, what was noted is counted, and written
by a thread: a daemon that is killed forgets the last second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hecate.endpoints import CURRENT_CALL
from hecate.serve_llm.budgets import BudgetExceeded, Budgets, BudgetSettings
from hecate.serve_llm.finished_calls import CallUnderWay, FinishedCall
from hecate.serve_llm.price_list import FREE
from hecate.serve_llm.prices import Prices
from hecate.serve_llm.usage_entry import Entry, entry_of, finished_before_it_began
from hecate.serve_llm.usage_figures import Figures
from hecate.serve_llm.usage_recorder import Recorder
from hecate.serve_llm.usage_settings import UsageSettings

if TYPE_CHECKING:
    from hecate.serve_llm.pieces import Finish, Usage
    from hecate.serve_llm.providers.provider import Account, Provider
    from hecate.serve_llm.usage_store import UsageStore

SECONDS_BETWEEN_WRITES: Final = 1.0
CALLS_AT_ONCE: Final = 500
"""So many are written before the second is over."""
PRICE_SECONDS: Final = 3.0
"""How long whoever reads the record of calls, or ends it, waits for prices that are being looked up."""
COUNT_TOKENS: Final = "count_tokens"
WARNING_HEADER: Final = "X-Hecate-Warning"


class Ledger:
    """Is told of every call, and tells what they have cost.

    Nobody remembers the calls before `record_in` has said where.

    Args:
        usage: What is remembered.
        budgets: What may be spent.
    """

    def __init__(
        self,
        usage: UsageSettings = UsageSettings(),  # noqa: B008 - frozen
        budgets: BudgetSettings = BudgetSettings(),  # noqa: B008 - frozen
    ) -> None:
        self.settings = usage
        self.budgets = Budgets(budgets)
        self.prices = Prices()
        self.figures = Figures()
        self.recorder: Recorder | None = None
        self.watchers: list[Callable[[Entry], None]] = []
        """Are told of each call, up to a second after its end."""
        self.open_calls = 0
        self.open_streams = 0
        self._ended_lately: list[Entry] = []
        self._noting: asyncio.TimerHandle | None = None

    async def record_in(self, store: UsageStore) -> None:
        """Record calls in *store* from now on, and close it at the end."""
        self.budgets.recall(await asyncio.to_thread(store.spent))
        self.recorder = Recorder(store, self.settings.keep_days)

    def configure(self, usage: UsageSettings, budgets: BudgetSettings) -> None:
        """Go by these settings from now on."""
        self.settings = usage
        self.budgets.settings = budgets
        if self.recorder is not None:
            self.recorder.keep_days = usage.keep_days

    @property
    def waiting(self) -> int:
        """How many calls have ended and are not recorded yet."""
        return len(self._ended_lately) + (0 if self.recorder is None else self.recorder.waiting)

    def begin(self, provider: Provider, model: str, *, streamed: bool, operation: str = "chat") -> CallUnderWay:
        """Return a context for a call of *provider*.

        Args:
            provider: Who is called.
            model: The provider's own name of it.
            streamed: Whether the answer comes piece by piece.
            operation: ``chat``, ``embeddings`` or ``count_tokens``.

        Raises:
            BudgetExceeded: It must not be made.
        """
        if operation == COUNT_TOKENS:
            # No model is called, and nothing is paid.
            return CallUnderWay(provider.name, model, streamed=streamed, report=_ignore)
        account = provider.upstream.account
        asked_by = CURRENT_CALL.get()
        entry = entry_of(asked_by, account, model, operation, keep_messages=self.settings.store_messages)
        try:
            warning = self.budgets.check(entry.venture_id)
        except BudgetExceeded as exc:
            entry.finished = finished_before_it_began(account, model, exc.code, streamed=streamed)
            self._settle(entry)
            raise
        if warning and asked_by is not None and warning not in asked_by.warnings:
            asked_by.warnings.append(warning)
            asked_by.answer_headers[WARNING_HEADER] = warning
        # So that the price is known when the answer is there.
        self.prices.rates(account, model)
        call = CallUnderWay(
            provider.name,
            model,
            streamed=streamed,
            report=partial(self._end, entry),
            begun=self._begin_stream if streamed else self._begin_whole,
        )
        if entry.request is not None:
            call.keeping = entry.keep
        return call

    def priced(self, provider: Provider, model: str, finish: Finish) -> Finish:
        """Return *finish* with what the call has cost, where that is known already.

        It is not while the price of a model that was never called before is looked up: nobody waits for that, and
        the record of the call has the cost nevertheless.
        """
        cost_usd = self._cost(provider.upstream.account, model, finish.usage)
        return finish if cost_usd is None else replace(finish, cost_usd=cost_usd)

    async def up_to_date(self) -> None:
        """Record what has ended until now."""
        await self.prices.looked_up(PRICE_SECONDS)
        self.note()
        if self.recorder is not None:
            await self.recorder.written()

    async def close(self) -> None:
        """Record everything, and close the store."""
        await self.prices.looked_up(PRICE_SECONDS)
        await self.prices.close()
        self.note()
        if self.recorder is not None:
            await self.recorder.close()

    def _begin_whole(self) -> None:
        self.open_calls += 1

    def _begin_stream(self) -> None:
        self.open_calls += 1
        self.open_streams += 1

    def _end(self, entry: Entry, finished: FinishedCall) -> None:
        entry.finished = finished
        self.open_calls -= 1
        self.open_streams -= finished.streamed
        looking_up = self.prices.being_looked_up(entry.account, finished.model)
        if looking_up is None or not finished.usage.total_tokens:
            self._settle(entry)
        else:
            looking_up.add_done_callback(lambda _: self._settle(entry))

    def _settle(self, entry: Entry) -> None:
        finished = entry.finished
        entry.cost_usd = cost_usd = self._cost(entry.account, finished.model, finished.usage)
        if cost_usd:
            self.budgets.add(entry.venture_id, cost_usd, finished.began_at)
        self._ended_lately.append(entry)
        if self._noting is None:
            self._noting = asyncio.get_running_loop().call_later(SECONDS_BETWEEN_WRITES, self.note)
        elif len(self._ended_lately) == CALLS_AT_ONCE:
            self.note()

    def _cost(self, account: Account, model: str, usage: Usage) -> float | None:
        rates = self.prices.rates(account, model)
        # Where no tokens were told, nothing is free but what costs nothing anyway.
        if rates is None or not (usage.total_tokens or rates is FREE):
            return None
        return round(rates.cost(usage), 10)

    def note(self) -> None:
        """Count and record what has ended since the last time."""
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
        entries, self._ended_lately = self._ended_lately, []
        if self.recorder is not None:
            self.recorder.write(entries)
        for entry in entries:
            self.figures.count(entry)
            for watch in self.watchers:
                watch(entry)


def _ignore(_: FinishedCall) -> None:
    """Be told of what nobody wants to know."""
