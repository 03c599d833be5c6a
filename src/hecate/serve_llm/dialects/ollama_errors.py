"""An error as Ollama says it: a sentence."""

from __future__ import annotations

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from hecate.serve_llm.dialects.refusing import as_answered, status_of


def refusal(error: HecateError) -> Raw:
    """Return the answer that tells of *error*."""
    return as_answered(error, "ollama") or Raw(_body(error), status=status_of(error), headers=error.headers)


def failure(error: HecateError) -> bytes:
    """Return the line that tells of *error* in the middle of a stream."""
    return _body(error) + b"\n"


def _body(error: HecateError) -> bytes:
    return msgspec.json.encode({"error": str(error)})
