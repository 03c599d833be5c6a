"""Why the daemon does not start, in one sentence each, and the exit code that goes with it."""

from __future__ import annotations

from typing import ClassVar


class CannotStart(Exception):
    """The daemon cannot start here and now; what it found is untouched.

    Args:
        message: What cannot be done, to what, and why; one sentence without a full stop.
    """

    exit_code: ClassVar[int] = 1


class ConfigurationWrong(CannotStart):
    """What the daemon was told makes no sense, and will make none at the next start either.

    A service manager should not try again: ``RestartPreventExitStatus=2``.
    """

    exit_code = 2
