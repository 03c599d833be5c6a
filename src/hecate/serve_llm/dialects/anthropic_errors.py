"""An error as Anthropic says it: of a type that follows from the status."""

from __future__ import annotations

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from hecate.serve_llm.dialects.refusing import as_answered, status_of

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def refusal(error: HecateError) -> Raw:
    """Return the answer that tells of *error*."""
    return as_answered(error, "anthropic") or Raw(_body(error), status=status_of(error), headers=error.headers)


def failure(error: HecateError) -> bytes:
    """Return the event that tells of *error* in the middle of a stream."""
    return b"event: error\ndata: %b\n\n" % _body(error)


def _body(error: HecateError) -> bytes:
    status = status_of(error)
    type_ = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return msgspec.json.encode({"type": "error", "error": {"type": type_, "message": str(error)}})
