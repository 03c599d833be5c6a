"""What a provider's error means, where it has no status of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.serve_llm.errors import ProviderFailed, ProviderLimited, ProviderRefused
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.refusals import failure_in_stream
from hecate.serve_llm.repeating import another_may_answer, may_pass

ACCOUNT = Account(name="some", kind="openai", base_url="http://x", api_key="sk-secret-0123456789")


@pytest.mark.parametrize(
    ("event", "kind", "status"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, ProviderFailed, None),
        ({"type": "error", "error": {"type": "api_error", "message": "oops"}}, ProviderFailed, None),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, ProviderLimited, 429),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, ProviderRefused, 400),
        ({"error": {"code": "context_length_exceeded", "message": "long"}}, ProviderRefused, 400),
        ({"error": {"code": "insufficient_quota", "message": "pay"}}, ProviderRefused, 402),
        ({"error": {"code": 401, "message": "key"}}, ProviderRefused, 401),
        ({"error": {"code": 502, "message": "upstream"}}, ProviderFailed, 502),
        ({"error": {"code": "429", "message": "slow"}}, ProviderLimited, 429),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}}, ProviderRefused, 400),
        ([{"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}], ProviderFailed, 503),
        ({"error": {"code": 7, "message": "what"}}, ProviderFailed, None),
        ({"error": "model runner has unexpectedly stopped"}, ProviderFailed, None),
        ("garbage", ProviderFailed, None),
    ],
)
def test_an_error_in_a_stream_is_told_apart(event: Any, kind: type[ProviderFailed], status: int | None) -> None:
    """Only what may pass is worth another try at the same provider; what it refuses is not."""
    error = failure_in_stream(ACCOUNT, json.dumps(event).encode())
    assert (type(error), error.provider_status) == (kind, status)
    assert may_pass(error) is (kind is not ProviderRefused)
    assert another_may_answer(error) is (kind is not ProviderRefused or status in {401, 402, 403})
    assert str(error).startswith("some broke off: ")


def test_the_key_is_never_told() -> None:
    """Nor by an error in a stream."""
    said = {"error": {"message": f"bad key {ACCOUNT.api_key}"}}
    assert ACCOUNT.api_key not in str(failure_in_stream(ACCOUNT, json.dumps(said).encode()))


def test_when_to_come_again_is_told() -> None:
    """As Google says it within the error."""
    said = {"error": {"status": "RESOURCE_EXHAUSTED", "message": "slow", "details": [{"retryDelay": "7.5s"}]}}
    assert failure_in_stream(ACCOUNT, json.dumps(said).encode()).retry_after_seconds == 8
