"""What the exit code of a command says.  Scripts rely on these numbers; they do not change."""

from __future__ import annotations

from hecate.client import (
    AnswerBroken,
    AnswerUnreadable,
    DaemonFailed,
    DaemonUnreachable,
    HecateClientError,
    ModelNotFound,
    ProviderFailed,
    Unavailable,
)

REFUSED = 1
USAGE = 2
UNREACHABLE = 3
NO_MODEL = 4
FAILED = 5
INTERRUPTED = 130
PIPE_CLOSED = 141

MEANINGS = {
    0: "done",
    REFUSED: "the daemon refused: unknown id or name, wrong state, conflict, invalid request",
    USAGE: "the command line is wrong: unknown command, option or field",
    UNREACHABLE: "the daemon is not running, may not be reached, or did not answer in time",
    NO_MODEL: "no model answered: it is unknown, or its provider failed",
    FAILED: "the daemon failed, is starting or stopping, or its answer broke off; trying again may help",
    INTERRUPTED: "Ctrl-C",
    PIPE_CLOSED: "the reader of the output went away, as `head` does",
}

# The first that fits decides.
_CODES: tuple[tuple[type[HecateClientError], int], ...] = (
    (DaemonUnreachable, UNREACHABLE),
    (ModelNotFound, NO_MODEL),
    (ProviderFailed, NO_MODEL),
    (Unavailable, FAILED),
    (DaemonFailed, FAILED),
    (AnswerBroken, FAILED),
    (AnswerUnreadable, FAILED),
)


def exit_code(error: HecateClientError) -> int:
    """Return the exit code for *error*."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), REFUSED)
