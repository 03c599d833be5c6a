"""Becomes another program with a listening socket as file descriptor 3, as systemd's socket activation does.

``python activate.py DESCRIPTOR PROGRAM ARGUMENT…``
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.dup2(int(sys.argv[1]), 3)
    # The pid stays the same over exec, so that here it can be known.
    os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    os.execv(sys.argv[2], sys.argv[2:])
