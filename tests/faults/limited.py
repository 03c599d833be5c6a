"""Becomes another program with less of the machine than it would have.

``python limited.py NAME=VALUE… -- PROGRAM ARGUMENT…``, with names such as ``NOFILE`` and ``FSIZE`` (see setrlimit(2)).
"""

from __future__ import annotations

import os
import resource
import sys

if __name__ == "__main__":
    end = sys.argv.index("--")
    for limit in sys.argv[1:end]:
        name, _, value = limit.partition("=")
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (int(value), int(value)))
    program = sys.argv[end + 1 :]
    os.execv(program[0], program)
