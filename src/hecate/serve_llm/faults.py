"""Says what went wrong on the way to a provider: nothing there, too slow, broken off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiohttp

from hecate.serve_llm.errors import OutOfTime, ProviderFailed, ProviderSlow
from hecate.serve_llm.event_lines import Overlong
from hecate.serve_llm.secrets import scrub

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.providers.provider import Account


class Faults:
    """A context in which what fails on the network rises as a `ProviderFailed`; may be entered again.

    Args:
        account: The provider that is talked to.
        total_seconds: The longest that the call may take, to say so.
    """

    __slots__ = ("_account", "_total_seconds")

    def __init__(self, account: Account, total_seconds: float) -> None:
        self._account = account
        self._total_seconds = total_seconds

    def __enter__(self) -> None:
        """Begin to watch."""

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raise what *raised* means, if it is a fault of the network."""
        if isinstance(raised, (TimeoutError, aiohttp.ClientError, Overlong)):
            raise self.named(raised) from raised

    def named(self, raised: Exception) -> ProviderFailed:
        """Return the error that *raised* means to a caller."""
        deadlines = self._account.deadlines
        match raised:
            case aiohttp.ConnectionTimeoutError():
                return self._slow(f"does not take a connection within {deadlines.connect_seconds:g} s")
            case aiohttp.SocketTimeoutError():
                return self._slow("has sent nothing for too long")
            case TimeoutError():
                taken = f"has taken longer than {self._total_seconds:g} s"
                return OutOfTime(self._sentence(taken), provider=self._account.name)
            case aiohttp.ClientConnectorCertificateError():
                return self._failed(f"shows a certificate that is not trusted: {raised.certificate_error}")
            case aiohttp.ClientConnectorError():
                return self._failed(f"does not answer: {_in_words(raised.os_error)}")
            case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
                return self._failed("has closed the connection before its answer was complete")
            case _:
                return self._failed(f"does not speak HTTP as expected: {raised}")

    def _slow(self, what: str) -> ProviderSlow:
        return ProviderSlow(self._sentence(what), provider=self._account.name)

    def _failed(self, what: str) -> ProviderFailed:
        return ProviderFailed(self._sentence(what), provider=self._account.name)

    def _sentence(self, what: str) -> str:
        return scrub(f"{self._account.name} at {self._account.base_url} {what}", (self._account.api_key,))


def _in_words(error: OSError) -> str:
    """Return the system's words for *error*; a failed look-up of a name has negative numbers of its own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
