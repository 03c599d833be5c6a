"""A program: the daemon, which kills itself at the step DIE_AT of its work on releases on disk, from 1.

A step is whatever it asks the system to do with a file or folder of the releases: from its start on (DIE_IN is
``start``), or from the moment that a release or a rollback is begun (``job``).  Python tells of each before it
happens, so nothing of the daemon is changed.
"""

from __future__ import annotations

import os
import signal
import sys

STEPS = frozenset(
    {"open", "os.mkdir", "os.rename", "os.symlink", "os.chmod", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}
)


class Steps:
    """Counts the steps."""

    def __init__(self, die_at: int, *, has_begun: bool) -> None:
        self._die_at = die_at
        self._count = 0
        self._has_begun = has_begun

    def take(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an event, and die if it is the one."""
        if event not in STEPS or not any("/releases/" in str(argument) for argument in arguments):
            return
        self._has_begun |= event == "os.mkdir" and ".staging-" in str(arguments[0])
        self._has_begun |= event == "open" and "SHA256SUMS" in str(arguments[0])
        if self._has_begun:
            self._count += 1
            if self._count == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    steps = Steps(int(os.environ["DIE_AT"]), has_begun=os.environ["DIE_IN"] == "start")
    sys.addaudithook(steps.take)
    from hecate.daemon.cli import main

    main()
