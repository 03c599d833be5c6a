"""How one poll of a check went."""

from __future__ import annotations

import errno
import os
import re
import socket
from typing import Final, NamedTuple

LONGEST_MESSAGE: Final = 500
OUR_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EADDRNOTAVAIL})
"""What the system says where we have no file, memory, process or port left: no target is to blame for that."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")


class CannotPoll(Exception):
    """This machine cannot poll anything now, so nothing is known of the target; the message says why."""


class PollResult(NamedTuple):
    """Whether the check passes, and if not, why."""

    passed: bool
    message: str = ""
    timed_out: bool = False


PASSED: Final = PollResult(passed=True)


def failure(message: str, *, timed_out: bool = False) -> PollResult:
    """Return that the check fails; *message* may quote what a target has said, so it is made one short line."""
    line = _UNPRINTABLE.sub(" ", message).strip()
    if len(line) > LONGEST_MESSAGE:
        line = line[: LONGEST_MESSAGE - 1] + "…"
    return PollResult(passed=False, message=line, timed_out=timed_out)


def in_words(error: OSError) -> str:
    """Return what is wrong, without the numbers and addresses that libraries put around it.

    Raises:
        CannotPoll: It is our own fault.
    """
    if error.errno in OUR_SHORTAGES and not isinstance(error, socket.gaierror):
        raise CannotPoll(os.strerror(error.errno))
    if error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
