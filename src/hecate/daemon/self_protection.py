"""What the daemon does to itself at its start, before it knows a key or has a child.

The keys of providers are in its memory and in its environment, and what it runs for jobs comes from anywhere, under
the same user.  So nobody but root may look into this process, and nothing that it starts can become more than it is.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

# <linux/prctl.h>
PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38


def protect_this_process() -> None:
    """Close this process to other processes of its user, and keep it and its children from gaining privileges.

    - Not dumpable: no core file is written, no debugger attaches, and ``/proc/PID/environ``, ``mem`` and ``fd`` are
      root's.  What it executes is dumpable again, and has none of its secrets.
    - No new privileges: ``sudo`` and other programs that would give some do not, here and in every child.

    What runs as root may look into every process, a root daemon's children among them.

    To be called before there are threads: each has these for itself, and hands them on.  Elsewhere than on Linux
    there is only the limit of core files.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
    _do(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
    _do(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _do(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
