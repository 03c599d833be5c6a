"""What can go wrong between a client and the daemon, one class for each thing a caller may do about it.

try:
    client.command("div-1", "design", "aggregate", {"aggregate_name": "user"})
except InvalidState as error:
    print(error.message, error.available_actions)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

REMEDY = "`hecate serve`, or `systemctl --user start hecate`"


class HecateClientError(Exception):
    """What the daemon refused, or why it could not be asked.

    Args:
        message: The daemon's own sentence, or the client's where no answer came.
        code: The error code of the API, such as ``invalid_state``.
        status: The HTTP status; None when the error came inside a stream, or when no answer came.
        request_id: Names the request in the daemon's log.
        details: Further fields of the answer.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.status = status
        self.request_id = request_id
        self.details = dict(details or {})

    @property
    def available_actions(self) -> tuple[str, ...]:
        """What the daemon would take instead; empty where it does not say."""
        actions = self.details.get("available_actions", ())
        return tuple(str(action) for action in actions) if isinstance(actions, list | tuple) else ()

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the daemon or the provider asks to wait before trying again, in seconds."""
        seconds = self.details.get("retry_after")
        return seconds if isinstance(seconds, int | float) else None

    def envelope(self) -> dict[str, Any]:
        """Return the error in the shape of the daemon's own answers."""
        return {**self.details, "ok": False, "error": self.message, "code": self.code}


class Invalid(HecateClientError):
    """The request is wrong; the message names the place."""

    code = "validation_error"


class NotFound(HecateClientError):
    """There is no such thing, or no such path."""

    code = "not_found"


class ModelNotFound(NotFound):
    """No provider has the model."""

    code = "model_not_found"


class ProviderFailed(HecateClientError):
    """A provider of models refused, failed or was too slow."""

    code = "provider_error"


class GeoRestricted(HecateClientError):
    """Access is denied where this machine is."""

    code = "geo_restricted"


class Conflict(HecateClientError):
    """What was asked contradicts what is recorded: a name that exists, a version that has moved on (status 412)."""

    code = "conflict"


class InvalidState(Conflict):
    """The process is in another state; `available_actions` says what it would take."""

    code = "invalid_state"


class GateClosed(Conflict):
    """A process before this one is not completed, and the gates are strict."""

    code = "gate_closed"


class Forgotten(HecateClientError):
    """It was there, and was erased for good (`hecate forget`)."""

    code = "forgotten"


class Unavailable(HecateClientError):
    """The daemon is starting, stopping, or cannot write."""

    code = "unavailable"


class DaemonFailed(HecateClientError):
    """A bug in the daemon; its log has the rest, under `request_id`."""

    code = "internal_error"


class DaemonUnreachable(HecateClientError):
    """Nothing answers at the socket; the message says what to do about it."""

    code = "daemon_unreachable"


class DaemonSilent(DaemonUnreachable):
    """The daemon took the request and did not answer in time."""

    code = "daemon_silent"


class AnswerBroken(HecateClientError):
    """The connection broke before the whole answer was here.

    Whether a command was carried out is unknown; send it again with the same idempotency key.
    """

    code = "answer_broken"


class AnswerUnreadable(HecateClientError):
    """The answer is not what the API promises: something else listens at the socket, or a daemon of another age."""

    code = "answer_unreadable"


_KINDS: dict[str, type[HecateClientError]] = {
    kind.code: kind
    for kind in (
        Invalid,
        NotFound,
        ModelNotFound,
        ProviderFailed,
        GeoRestricted,
        Conflict,
        Forgotten,
        InvalidState,
        GateClosed,
        Unavailable,
        DaemonFailed,
    )
}


def unreachable(socket_path: str, exc: OSError) -> DaemonUnreachable:
    """Return the error for a socket that cannot be connected to, with the remedy."""
    if isinstance(exc, FileNotFoundError):
        return DaemonUnreachable(f"the daemon is not running: {REMEDY} (there is no socket at {socket_path})")
    if isinstance(exc, ConnectionRefusedError):
        return DaemonUnreachable(f"the daemon is not running: {REMEDY} (nobody listens at {socket_path})")
    if isinstance(exc, PermissionError):
        return DaemonUnreachable(
            f"this user may not open the daemon's socket {socket_path}: join its group, or run as its owner"
        )
    return DaemonUnreachable(f"cannot reach the daemon at {socket_path}: {exc.strerror or exc}")


def refusal(status: int | None, body: bytes, headers: Mapping[str, str]) -> HecateClientError:
    """Return the error that an answer of the daemon means.

    Args:
        status: The HTTP status; None for an error inside a stream.
        body: The envelope, as JSON.
        headers: Names in lower case.
    """
    try:
        envelope = msgspec.json.decode(body)
    except msgspec.DecodeError:
        envelope = None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("error"), str):
        said = body[:200].decode(errors="replace")
        return AnswerUnreadable(f"the answer is not the daemon's (status {status}): {said!r}", status=status)
    code = str(envelope.get("code", "error"))
    details = {name: value for name, value in envelope.items() if name not in {"ok", "error", "code", "done"}}
    retry_after = headers.get("retry-after", "")
    if retry_after.isdecimal():
        details.setdefault("retry_after", int(retry_after))
    return _KINDS.get(code, HecateClientError)(
        envelope["error"], code=code, status=status, request_id=headers.get("x-request-id"), details=details
    )
