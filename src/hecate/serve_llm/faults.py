"""Says what went wrong on the way to a provider: nothing there, too slow, broken off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import aiohttp

from hecate.serve_llm.call_timer import TooSilent
from hecate.serve_llm.errors import OutOfTime, ProviderFailed, ProviderSlow
from hecate.serve_llm.event_lines import Overlong
from hecate.serve_llm.secrets import scrub

if TYPE_CHECKING:
    from hecate.serve_llm.providers.provider import Account

FAULTS: Final = (TimeoutError, aiohttp.ClientError, Overlong)
"""What rises when something fails on the way to a provider."""


def failure_of(fault: Exception, account: Account, total_seconds: float) -> ProviderFailed:
    """Return the error that *fault*, one of `FAULTS`, means to a caller.

    Args:
        fault: What has risen.
        account: The provider that was talked to.
        total_seconds: The longest that the call might take, to say so.
    """
    kind, what = _in_general(fault, account, total_seconds)
    sentence = scrub(f"{account.name} at {account.base_url} {what}", account.secrets)
    return kind(sentence, provider=account.name)


def _in_general(fault: Exception, account: Account, total_seconds: float) -> tuple[type[ProviderFailed], str]:
    match fault:
        case aiohttp.ConnectionTimeoutError():
            return ProviderSlow, f"does not take a connection within {account.deadlines.connect_seconds:g} s"
        case TooSilent():
            return ProviderSlow, "has sent nothing for too long"
        case TimeoutError():
            return OutOfTime, f"has taken longer than {total_seconds:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return ProviderFailed, f"shows a certificate that is not trusted: {fault.certificate_error}"
        case aiohttp.ClientConnectorError():
            return ProviderFailed, f"does not answer: {_in_words(fault.os_error)}"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return ProviderFailed, "has closed the connection before its answer was complete"
        case _:
            return ProviderFailed, f"does not speak HTTP as expected: {fault}"


def _in_words(error: OSError) -> str:
    """Return the system's words for *error*; a failed look-up of a name has negative numbers of its own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
