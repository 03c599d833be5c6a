"""An error as OpenAI says it: an object with ``message``, ``type``, ``param`` and ``code``."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from hecate.serve_llm.dialects.refusing import as_answered, status_of

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_PLACE = re.compile(r"at `\$\.([^`]+)`")


def refusal(error: HecateError) -> Raw:
    """Return the answer that tells of *error*."""
    body = msgspec.json.encode({"error": _object(error)})
    return as_answered(error, "openai") or Raw(body, status=status_of(error), headers=error.headers)


def failure(error: HecateError) -> bytes:
    """Return the event that tells of *error* in the middle of a stream."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": _object(error)})


def _object(error: HecateError) -> dict[str, Any]:
    status = status_of(error)
    place = _PLACE.search(str(error))
    return {
        "message": str(error),
        "type": _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        "param": place[1] if place else None,
        "code": "rate_limit_exceeded" if status == 429 else error.code,
    }
