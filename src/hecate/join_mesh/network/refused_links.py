"""Connections that TLS itself refuses, counted: zenoh tells of them in its log alone, which goes to standard output.

So for as long as there is a session, the process's standard output is a pipe to a thread of its own.  It passes on
whatever is not of zenoh.  Nothing of this is in the way of a connection that is not refused.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

import structlog
import zenoh

STDOUT: Final = 1
TARGETS: Final = ("zenoh_link_tls::unicast", "zenoh_link_commons::quic::unicast")
"""Where zenoh accepts connections, by protocol: TLS and QUIC."""
FILTER: Final = ",".join(("off", *(f"{target}=warn" for target in TARGETS)))
VARIABLE: Final = "RUST_LOG"
"""Whoever sets it wants to see zenoh's log as it is."""
SECONDS_TO_PASS_ON: Final = 1.0
READ_BYTES: Final = 64 * 1024
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
# In TLS's own words (rustls): what is no attempt to be somebody, such as a port scan or a killed peer, is not among it.
_REASON: Final = re.compile(
    r"invalid peer certificate: \w+(?: expired)?|peer sent no certificates|received fatal alert: \w+"
    r"|received corrupt message of type \w+|received unexpected message|peer is incompatible: \w+|peer misbehaved: \w+"
)

log = structlog.get_logger(__name__)


class RefusedLink(NamedTuple):
    """A connection that did not come about."""

    protocol: str
    reason: str


def refused_link_in(line: str) -> RefusedLink | None:
    """Return what a *line* of zenoh's log says of a connection that was refused; None if it says nothing such."""
    reason = _REASON.search(line)
    if reason is None:
        return None
    return RefusedLink("tls" if TARGETS[0] in line else "quic", reason[0])


@asynccontextmanager
async def telling_of_refused_links(tell: Callable[[RefusedLink], None]) -> AsyncIterator[None]:
    """Call *tell* on the running loop with each connection that is refused meanwhile."""
    if VARIABLE in os.environ or sys.stdout is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def hand_over(link: RefusedLink) -> None:
        with suppress(RuntimeError):  # the loop has ended before the last line was read
            loop.call_soon_threadsafe(tell, link)

    _OUTPUT.begin(hand_over)
    try:
        yield
    finally:
        reader = _OUTPUT.end(hand_over)
        if reader is not None:
            # What was written last must come out, too; a child process that has the pipe may keep it for long.
            await asyncio.to_thread(reader.join, SECONDS_TO_PASS_ON)


class _Output:
    """The process's standard output, of which there is one, however many sessions there are."""

    def __init__(self) -> None:
        self._tells: list[Callable[[RefusedLink], None]] = []
        self._former = -1
        self._reader = threading.Thread()

    def begin(self, tell: Callable[[RefusedLink], None]) -> None:
        """Tell *tell*, too; the first gets the pipe laid."""
        self._tells.append(tell)
        if len(self._tells) > 1:
            return
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        self._former = os.dup(STDOUT)
        reading, writing = os.pipe()
        os.dup2(writing, STDOUT)
        os.close(writing)
        zenoh.init_log_from_env_or(FILTER)
        # Not waited for at the very end: child processes may have the pipe as their standard output, and live longer.
        self._reader = threading.Thread(target=self._read, args=(reading, os.dup(self._former)), daemon=True)
        self._reader.name = "hecate-mesh-log"
        self._reader.start()

    def end(self, tell: Callable[[RefusedLink], None]) -> threading.Thread | None:
        """Tell *tell* no more.  After the last, restore standard output, and return the thread that reads the rest."""
        self._tells.remove(tell)
        if self._tells:
            return None
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os.dup2(self._former, STDOUT)
        os.close(self._former)
        return self._reader

    def _read(self, reading: int, former: int) -> None:
        """Tell of what zenoh says, and pass on to *former* what others say, until nobody can say any more."""
        left = b""
        with open(reading, "rb", buffering=0) as pipe, open(former, "wb", buffering=0) as output:
            while data := pipe.read(READ_BYTES):
                *lines, left = (left + data).split(b"\n")
                for line in lines:
                    _take(line + b"\n", output.write, self._tell)
            _take(left, output.write, self._tell)

    def _tell(self, link: RefusedLink) -> None:
        for tell in [*self._tells]:
            tell(link)


_OUTPUT: Final = _Output()


def _take(line: bytes, pass_on: Callable[[bytes], object], tell: Callable[[RefusedLink], None]) -> None:
    text = _COLOURS.sub("", line.decode(errors="replace"))
    if not any(f" {target}: " in text for target in TARGETS):
        with suppress(OSError):
            pass_on(line)
    elif link := refused_link_in(text):
        tell(link)
    else:
        log.debug("mesh link failed", zenoh=text.strip())
