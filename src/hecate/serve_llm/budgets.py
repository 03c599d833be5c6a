"""How much may be spent, on a day and on a venture; the tables ``[budgets]`` of the configuration.

A budget is looked at before a call and grows after it, so the call that exceeds it still goes through,
and so do those that run at that moment.  Calls of unknown cost do not count: nobody knows how much.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import time
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hecate.dossiers.errors import HecateError

DAY_SECONDS: Final = 86400

Dollars = Annotated[float, Meta(gt=0)]


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[budgets]``: what may be spent, and what happens when it is."""

    per_day_usd: Dollars | None = None
    """By all calls of a day (UTC); None: as much as they like."""
    per_venture_usd: Dollars | None = None
    """By all calls for one venture, ever; None: as much as they like."""
    on_exceeded: Literal["warn", "refuse"] = "warn"


class BudgetExceeded(HecateError):
    """The money is spent.

    402, which the clients of OpenAI and Anthropic take as final: 409 and 429 they would try again.
    """

    code = "budget_exceeded"
    status = 402


class Budgets:
    """What was spent, and whether that is too much.

    Args:
        settings: What may be spent.
    """

    def __init__(self, settings: BudgetSettings = BudgetSettings()) -> None:  # noqa: B008 - frozen
        self.settings = settings
        self._day = 0
        """Days since 1970, UTC."""
        self._spent_on_day = 0.0
        self._spent_on_venture: dict[str, float] = {}

    def recall(self, spent: Iterable[tuple[int, str, float]]) -> None:
        """Take over what earlier runs of the daemon have spent: day, venture, USD."""
        today = _day(time())
        for day, venture_id, cost_usd in spent:
            self._add(today, day, venture_id, cost_usd)

    def add(self, venture_id: str, cost_usd: float, at: float) -> None:
        """Count a call that began *at* so many seconds since 1970."""
        self._add(_day(time()), _day(at), venture_id, cost_usd)

    def spent_today(self) -> float:
        """Return what was spent since midnight (UTC), in USD."""
        return self._spent_on_day if self._day == _day(time()) else 0.0

    def spent_on(self, venture_id: str) -> float:
        """Return what was spent on a venture, in USD."""
        return self._spent_on_venture.get(venture_id, 0.0)

    def check(self, venture_id: str) -> str:
        """Return a warning if a budget is spent; empty if none is.

        Raises:
            BudgetExceeded: One is, and the configuration wants the call refused.
        """
        settings = self.settings
        if settings.per_day_usd is not None and (spent := self.spent_today()) >= settings.per_day_usd:
            return self._exceeded(f"today's budget of {settings.per_day_usd:.2f} USD is spent", "day", spent)
        if venture_id and settings.per_venture_usd is not None:
            spent = self.spent_on(venture_id)
            if spent >= settings.per_venture_usd:
                what = f"the budget of {settings.per_venture_usd:.2f} USD of venture {venture_id!a} is spent"
                return self._exceeded(what, "venture", spent)
        return ""

    def _exceeded(self, what: str, budget: str, spent_usd: float) -> str:
        if self.settings.on_exceeded == "warn":
            return f"{what}: {spent_usd:.2f} USD so far"
        ends = "it begins anew at midnight UTC" if budget == "day" else "a higher one may be set"
        raise BudgetExceeded(
            f"no model is called: {what} ({spent_usd:.2f} USD so far); {ends} ([budgets] in the configuration)",
            budget=budget,
            spent_usd=round(spent_usd, 6),
        )

    def _add(self, today: int, day: int, venture_id: str, cost_usd: float) -> None:
        if self._day != today:
            self._day, self._spent_on_day = today, 0.0
        if day == today:
            self._spent_on_day += cost_usd
        if venture_id and cost_usd:
            self._spent_on_venture[venture_id] = self._spent_on_venture.get(venture_id, 0.0) + cost_usd


def _day(seconds: float) -> int:
    return int(seconds // DAY_SECONDS)
