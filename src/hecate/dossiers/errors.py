"""The errors a caller may see: each has a code and an HTTP status, and says what to do.

Anything else that rises is a bug: the caller gets ``internal_error`` and the log gets the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class HecateError(Exception):
    """Something that cannot be done, in the caller's words.

    Args:
        message: What cannot be done, to what, and why.
        headers: HTTP headers that go with the answer, such as ``Retry-After``.
        details: Further fields of the answer, such as ``available_actions``.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.details = details

    def envelope(self) -> dict[str, Any]:
        """Return the body of the answer: ``ok``, ``error``, ``code`` and the details."""
        return {"ok": False, "error": str(self), "code": self.code, **self.details}


class Invalid(HecateError):
    """The request is wrong; the message names the place."""

    code = "validation_error"
    status = 400


class TooLarge(Invalid):
    """The request's body is over its limit."""

    status = 413


class UnsupportedType(Invalid):
    """The request's body is of a type that this listener does not take."""

    status = 415


class KeyReused(Invalid):
    """An idempotency key came back with another request."""

    status = 422


class NotFound(HecateError):
    """There is no such thing, or no such path."""

    code = "not_found"
    status = 404


class MethodNotAllowed(HecateError):
    """The path is known, but not with this method."""

    code = "method_not_allowed"
    status = 405


class Refused(HecateError):
    """What was asked contradicts what is recorded, such as a name that exists."""

    code = "conflict"
    status = 409


class VersionMoved(Refused):
    """The dossier is not at the version that ``If-Match`` expects."""

    status = 412


class Forgotten(HecateError):
    """It was there, and has been erased for good."""

    code = "forgotten"
    status = 410


class InvalidState(HecateError):
    """The process is in a state that does not take this command."""

    code = "invalid_state"
    status = 409


class GateClosed(HecateError):
    """Strict gates only: a process before this one is not completed, or not well."""

    code = "gate_closed"
    status = 409


class Unavailable(HecateError):
    """The daemon cannot do this now: starting, stopping, disk full, store in doubt."""

    code = "unavailable"
    status = 503
