"""What every dialect needs to say an error: its clients go by the HTTP status."""

from __future__ import annotations

from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw
from hecate.serve_llm.errors import ProviderFailed


class InProvidersWords(ProviderFailed):
    """The provider's own refusal of a call in its own dialect, which is told as it came.

    Args:
        failure: What rose; its ``answer`` has the shape of the dialect.
    """

    def __init__(self, failure: ProviderFailed) -> None:
        super().__init__(
            str(failure),
            provider=failure.provider,
            provider_status=failure.provider_status,
            retry_after_seconds=failure.retry_after_seconds,
            answer=failure.answer,
        )

    def raw(self) -> Raw:
        """Return the answer to the client."""
        return Raw(self.answer.encode(), status=status_of(self), headers=self.headers)


def status_of(error: HecateError) -> int:
    """Return the HTTP status for *error*: the provider's own, if it gave one that tells of an error.

    The gateway's own clients are told who has failed (502); those of a dialect go by the status to
    know whether to try again, and a 502 is a reason to.
    """
    if isinstance(error, ProviderFailed) and (error.provider_status or 0) >= 400:
        return error.provider_status or error.status
    return error.status
