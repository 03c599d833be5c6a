"""What every dialect needs to say an error: its clients go by the HTTP status."""

from __future__ import annotations

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from hecate.serve_llm.errors import ProviderFailed


def as_answered(error: HecateError, dialect: str) -> Raw | None:
    """Return the provider's own refusal, keys taken out, if it is in this *dialect*; else None."""
    if isinstance(error, ProviderFailed) and error.answer_dialect == dialect:
        return Raw(error.answer.encode(), status=status_of(error), headers=error.headers)
    return None


def status_of(error: HecateError) -> int:
    """Return the HTTP status for *error*: the provider's own, if it gave one that tells of an error.

    The gateway's own clients are told who has failed (502); those of a dialect go by the status to
    know whether to try again, and a 502 is a reason to.
    """
    if isinstance(error, ProviderFailed) and (error.provider_status or 0) >= 400:
        return error.provider_status or error.status
    return error.status
