"""What is worth asking again, of the same provider or another, and after how long."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import HecateError, Invalid
from hecate.serve_llm.errors import (
    ModelNotFound,
    OutOfTime,
    ProviderFailed,
    ProviderLimited,
    ProviderRefused,
    ProviderResting,
    ProviderSlow,
)
from hecate.serve_llm.repeating import another_may_answer, may_pass, wait_seconds
from hecate.serve_llm.settings import Retries

RETRIES = Retries(attempts=4, first_wait_seconds=1.0, wait_seconds=3.0)


@pytest.mark.parametrize(
    ("error", "same", "another"),
    [
        (ProviderFailed("x"), True, True),
        (ProviderLimited("x"), True, True),
        (ProviderSlow("x"), True, True),
        (OutOfTime("x"), True, True),
        (ProviderResting("x"), True, True),
        (ProviderRefused("x", provider_status=400), False, False),
        (ProviderRefused("x", provider_status=422), False, False),
        (ProviderRefused("x", provider_status=401), False, True),
        (ProviderRefused("x", provider_status=402), False, True),
        (ProviderRefused("x", provider_status=403), False, True),
        (ModelNotFound("x"), False, True),
        (Invalid("x"), False, False),
    ],
)
def test_what_is_worth_it(error: HecateError, same: bool, another: bool) -> None:  # noqa: FBT001
    """A request that is wrong is wrong everywhere; a key that is wrong is so at one provider only."""
    assert (may_pass(error), another_may_answer(error)) == (same, another)


@pytest.mark.parametrize(("attempts", "longest"), [(1, 1.0), (2, 2.0), (3, 3.0)])
def test_waits_grow_and_scatter(attempts: int, longest: float) -> None:
    """Each is between half and the whole of twice the one before, up to what a caller waits in all."""
    waits = [wait_seconds(ProviderFailed("x"), attempts, RETRIES, others_left=True) for _ in range(50)]
    assert all(wait is not None and longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("error", "attempts", "others_left"),
    [
        (ProviderFailed("x"), 4, False),
        (ProviderRefused("x", provider_status=400), 1, False),
        (ProviderSlow("x"), 1, False),
        (ModelNotFound("x"), 1, False),
        (ProviderLimited("x", retry_after_seconds=1), 1, True),
    ],
)
def test_no_wait(error: HecateError, attempts: int, others_left: bool) -> None:  # noqa: FBT001
    """The last attempt, a refusal, a deadline are not repeated; a wait is not waited for while there are others."""
    assert wait_seconds(error, attempts, RETRIES, others_left=others_left) is None


def test_what_the_provider_says_is_waited_for() -> None:
    """``Retry-After`` is a least wait; what comes on top keeps callers apart."""
    wait = wait_seconds(ProviderLimited("x", retry_after_seconds=7), 1, RETRIES, others_left=False)
    assert wait is not None
    assert 7.5 <= wait <= 8.0
