"""The daemon's entry: options in, exit code out."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from hecate.daemon import assembly
from hecate.daemon.config import ServeOptions, load
from hecate.daemon.errors import CannotStart
from hecate.daemon.lifetime import Assemble, Lifetime
from hecate.daemon.self_protection import protect_this_process

# How long a thread may hold the interpreter while another wants it.  The default, 5 ms, is
# what the event loop would wait for whenever a thread of the store is busy in Python.
SWITCH_SECONDS = 0.0005


def run(options: ServeOptions, assemble: Assemble = assembly.assemble) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        0 after a stop that was asked for; 1 if the daemon cannot start; 2 if it was told
        something that will never work.  The reason is one line on standard error.
    """
    try:
        protect_this_process()
        configuration = load(options)
        sys.setswitchinterval(SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Lifetime(options, configuration, assemble).run())
    except CannotStart as exc:
        # One line, whatever SQLite and the system have put into it.
        sys.stderr.write(f"hecate: {' '.join(str(exc).split())}\n")
        return exc.exit_code
    return 0
