"""Reads a provider's answer that is not a success, and says it in the caller's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderLimited, ProviderRefused, ProviderSlow
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.secrets import scrub

MESSAGE_LIMIT = 600
_ERROR_STATUSES = range(400, 600)
_UNKNOWN_MODEL_CODES = frozenset({"model_not_found", "invalid_model", "not_found_error"})
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_STATUSES: Mapping[str, int] = {
    # Anthropic, and OpenAI
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    # llama.cpp
    "exceed_context_size_error": 400,
    # Google
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
}
"""The status that goes with a code (or type) of an error: of those for which another try is of no use, or not yet."""
_RETRY_DELAY = re.compile(r'"retryDelay"\s*:\s*"([0-9.]+)s"')


def refusal(account: Account, path: str, status: int, headers: Mapping[str, str], body: bytes) -> HecateError:
    """Return the error that says what an HTTP answer of *status* with *body* to a call of *path* means."""
    code, said = what_it_says(body)
    # Where nothing of the kind is, the address is likely wrong.
    where = f" at {account.base_url}{path}" if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND} else ""
    message = scrub(f"{account.name}{where} answered {status}: {said}", account.secrets)
    answer = scrub(body.decode("utf-8", "replace"), account.secrets)
    wait = retry_after_seconds(headers, body)
    if names_unknown_model(status, code, said):
        return ModelNotFound(message)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind: type[ProviderFailed] = ProviderLimited
    elif status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        kind = ProviderSlow
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ProviderRefused
    else:
        kind = ProviderFailed
    return kind(message, provider=account.name, provider_status=status, retry_after_seconds=wait, answer=answer)


def failure_in_stream(account: Account, payload: bytes) -> ProviderFailed:
    """Return the error that says what an error event in the middle of a stream means.

    It has no status of its own, but most providers tell the one that it would have had.
    """
    code, said = what_it_says(payload)
    status = _STATUSES.get(code) or _status_in(payload)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind: type[ProviderFailed] = ProviderLimited
    elif status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        kind = ProviderFailed
    else:
        kind = ProviderRefused
    return kind(
        scrub(f"{account.name} broke off: {said}", account.secrets),
        provider=account.name,
        provider_status=status,
        retry_after_seconds=retry_after_seconds({}, payload),
    )


def not_understood(account: Account, why: Exception) -> ProviderFailed:
    """Return the error for an answer that is no valid JSON, or not of the provider's own shape."""
    return ProviderFailed(f"{account.name} sent an answer that cannot be read: {why}", provider=account.name)


def what_it_says(body: bytes) -> tuple[str, str]:
    """Return the code (or type) and the message in an error *body* of any provider; both may be empty."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", _plain(body.decode("utf-8", "replace"))
    if isinstance(document, list) and document:
        document = document[0]  # Google's stream puts its error into a list.
    code, message = _from_json(document)
    return code, _short(message) if message else _plain(body.decode("utf-8", "replace"))


def names_unknown_model(status: int, code: str, message: str) -> bool:
    """Tell whether a refusal means that the model, rather than the path, is not there."""
    if code in _UNKNOWN_MODEL_CODES and status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return code != "not_found_error" or "model" in message.lower()
    return status == HTTPStatus.NOT_FOUND and "model" in message.lower() and not message.startswith("an HTML page")


def retry_after_seconds(headers: Mapping[str, str], body: bytes = b"") -> int | None:
    """Return how long the provider asks to be left alone, rounded up to a second; None: it does not say."""
    given = headers.get("Retry-After", "")
    if given:
        try:
            return max(0, _round_up(float(given)))
        except ValueError:
            pass
        try:
            return max(0, _round_up((parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()))
        except (TypeError, ValueError):
            return None
    found = _RETRY_DELAY.search(body.decode("utf-8", "replace")) if body else None
    return _round_up(float(found[1])) if found else None


def _status_in(payload: bytes) -> int | None:
    """Return the status that an error tells as its code, as Google, OpenRouter and llama.cpp do."""
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error", document) if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal():
        code = int(code)
    return code if isinstance(code, int) and code in _ERROR_STATUSES else None


def _round_up(seconds: float) -> int:
    return int(-(-seconds // 1))


def _from_json(document: Any) -> tuple[str, str]:
    if isinstance(document, str):
        return "", document
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error", document)
    if isinstance(error, str):
        return str(document.get("code") or ""), error
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("type") or error.get("status")
    message = error.get("message") or error.get("detail") or document.get("message") or ""
    if not isinstance(message, str):
        message = msgspec.json.encode(message).decode()
    return code if isinstance(code, str) else "", message


def _plain(text: str) -> str:
    if "<html" in text[:2000].lower() or "<!doctype" in text[:200].lower():
        title = _TITLE.search(text)
        return f"an HTML page ({_short(title[1])})" if title else "an HTML page"
    return _short(text) or "nothing"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + " …"
