"""What may be spent."""

from __future__ import annotations

import time

import pytest

from hecate.serve_llm.budgets import DAY_SECONDS, BudgetExceeded, Budgets, BudgetSettings

NOW = time.time()
TODAY = int(NOW // DAY_SECONDS)


def test_without_budgets_nothing_is_too_much() -> None:
    """Whatever was spent."""
    budgets = Budgets()
    budgets.add("v-1", 1000, NOW)
    assert budgets.check("v-1") == ""


@pytest.mark.parametrize(
    ("settings", "venture_id", "words"),
    [
        (BudgetSettings(per_day_usd=2), "", "today's budget of 2.00 USD is spent: 2.50 USD so far"),
        (BudgetSettings(per_venture_usd=2), "v-1", "the budget of 2.00 USD of venture 'v-1' is spent: 2.50 USD so far"),
    ],
)
def test_a_spent_budget_warns(settings: BudgetSettings, venture_id: str, words: str) -> None:
    """The call that exceeds it still goes through; those after it are told."""
    budgets = Budgets(settings)
    budgets.add(venture_id, 1.5, time.time())
    assert budgets.check(venture_id) == ""
    budgets.add(venture_id, 1, time.time())
    assert budgets.check(venture_id) == words


def test_a_spent_budget_may_refuse() -> None:
    """The error says which budget, how much, and when there is money again."""
    budgets = Budgets(BudgetSettings(per_day_usd=2, on_exceeded="refuse"))
    budgets.add("", 2, time.time())
    with pytest.raises(BudgetExceeded, match=r"today's budget of 2\.00 USD is spent .*midnight UTC") as raised:
        budgets.check("")
    assert (raised.value.status, raised.value.code) == (402, "budget_exceeded")
    assert raised.value.details == {"budget": "day", "spent_usd": 2}


def test_a_venture_pays_for_itself() -> None:
    """What another has spent, or nobody, is no concern of its own."""
    budgets = Budgets(BudgetSettings(per_venture_usd=2, on_exceeded="refuse"))
    budgets.add("v-1", 2, time.time())
    assert budgets.check("v-2") == ""
    assert budgets.check("") == ""
    with pytest.raises(BudgetExceeded, match="venture 'v-1'"):
        budgets.check("v-1")


def test_a_day_ends() -> None:
    """What was spent before today counts for the venture, not for the day."""
    budgets = Budgets(BudgetSettings(per_day_usd=2))
    budgets.recall([(TODAY - 1, "v-1", 5.0), (TODAY - 1, "", 5.0)])
    assert budgets.spent_today() == 0
    assert budgets.spent_on("v-1") == 5
    budgets.recall([(int(time.time() // DAY_SECONDS), "v-1", 1.0)])
    assert budgets.spent_today() == 1
    assert budgets.spent_on("v-1") == 6


def test_a_warning_fits_into_a_header() -> None:
    """Whatever a client calls its venture."""
    budgets = Budgets(BudgetSettings(per_venture_usd=1))
    budgets.add("vénture\r\nX-Evil: 1", 2, time.time())
    warning = budgets.check("vénture\r\nX-Evil: 1")
    assert warning.isascii()
    assert warning.isprintable()
