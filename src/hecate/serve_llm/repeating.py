"""Which failed call is worth making again, at the same provider or another, and after how long."""

from __future__ import annotations

from http import HTTPStatus
from random import uniform
from typing import TYPE_CHECKING

from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderRefused, ProviderSlow

if TYPE_CHECKING:
    from hecate.dossiers.errors import HecateError
    from hecate.serve_llm.settings import Retries

ACCOUNT_TROUBLE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})
"""What a provider refuses for reasons that another need not have: the key, the money, the country."""


def another_may_answer(error: HecateError) -> bool:
    """Return whether *error* is the provider's own, so that the same request may succeed elsewhere."""
    if isinstance(error, ProviderRefused):
        return error.provider_status in ACCOUNT_TROUBLE
    return isinstance(error, (ModelNotFound, ProviderFailed))


def may_pass(error: BaseException) -> bool:
    """Return whether the same request may succeed at the same provider, later."""
    return isinstance(error, ProviderFailed) and error.safe_to_repeat


def wait_seconds(error: HecateError, attempts: int, retries: Retries, *, others_left: bool) -> float | None:
    """Return how long to wait before the same provider is asked again, or None: it is not.

    Args:
        error: How it has failed before anything of an answer was given.
        attempts: How often it has been asked.
        retries: How often it may be, and how long its caller may wait.
        others_left: Whether there are others to ask.
    """
    # Whoever has used up a deadline once would most likely use it up again.
    if attempts >= retries.attempts or not may_pass(error) or isinstance(error, ProviderSlow):
        return None
    longest = min(retries.wait_seconds, retries.first_wait_seconds * 2.0 ** (attempts - 1))
    # Those that failed together must not come back together.
    seconds = uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret
    asked_for = error.retry_after_seconds if isinstance(error, ProviderFailed) else None
    if asked_for is None:
        return seconds
    return None if others_left else asked_for + seconds
