"""Runs a program in a network namespace, as the same process: ``enter_namespace.py NAMESPACE PROGRAM ARGUMENT…``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    namespace, *program = sys.argv[1:]
    os.execvp("ip", ["ip", "netns", "exec", namespace, sys.executable, *program])
