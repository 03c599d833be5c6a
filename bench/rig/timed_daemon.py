"""The daemon with a clock in it: how late its event loop is, seen from within.

    python -m bench.rig.timed_daemon serve …        takes what `bench.rig.daemon.running` passes

It is the whole daemon, with one task more in its loop, which sleeps `PERIOD_SECONDS` at a time
and notes by how much each sleep was too long.  What it noted is in `timers_of` when the daemon
has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bench.rig.lateness import PERIOD_SECONDS, Sample
from hecate.daemon import assembly
from hecate.daemon.config import ServeOptions
from hecate.daemon.lifetime import Given
from hecate.daemon.main import run

COMMAND = (sys.executable, "-m", "bench.rig.timed_daemon")


def timers_of(socket: Path) -> list[Sample]:
    """Return what the daemon that listened on *socket* has noted."""
    return msgspec.json.decode(_file(socket).read_bytes(), type=list[Sample])


def _file(socket: Path) -> Path:
    return socket.with_name("timers.json")


@asynccontextmanager
async def assemble(given: Given) -> AsyncIterator[assembly.HecateAssembly]:
    """Assemble the daemon as it is, with the clock beside it."""
    samples: list[Sample] = []
    async with assembly.assemble(given) as assembled:
        clock = asyncio.create_task(_note(samples))
        try:
            yield assembled
        finally:
            clock.cancel()
    _file(given.configuration.socket_path).write_bytes(msgspec.json.encode(samples))


async def _note(samples: list[Sample]) -> None:
    while True:
        due = time.monotonic() + PERIOD_SECONDS
        await asyncio.sleep(PERIOD_SECONDS)
        samples.append((due, time.monotonic() - due))


def main() -> int:
    """Serve as ``hecate serve`` does, and return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("serve")
    for name in ("--socket", "--data-dir", "--config"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--log-level")
    parser.add_argument("--quiet", action="store_true")
    given = vars(parser.parse_args())
    del given["serve"]
    return run(ServeOptions(**given), assemble)


if __name__ == "__main__":
    sys.exit(main())
