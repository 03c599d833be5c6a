"""The command line as a person sees it: a process whose terminal is this test."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.daemon.child import DEADLINE_SECONDS, child_environment
from tests.serving import HECATE

CTRL_C = b"\x03"
CTRL_D = b"\x04"


class Terminal:
    """``hecate`` with *words*, on a terminal of 120 columns."""

    def __init__(self, *words: str | Path, environ: Mapping[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = child_environment() | {"TERM": "xterm-256color"} | dict(environ or {})
        for name in ("LINES", "COLUMNS"):
            # Of our own terminal: they would be taken for this one's size, for good.
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [HECATE, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            # Without a controlling terminal, Ctrl-C would be a character like any other.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no other threads hold locks
        )
        os.close(slave)
        # A piece may end in the middle of a letter.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.seen = ""
        """All that was printed so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, keys: bytes) -> None:
        """Press *keys*."""
        os.write(self._master, keys)

    def type_until(self, keys: bytes, text: str, *, times: int) -> None:
        """Press *keys*, again and again, until *text* was printed so many *times*.

        A Ctrl-C in the very moment in which Python begins to wait for a key is seen only with the next one.
        """
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.seen.count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            self.type(keys)
            patience = time.monotonic() + 0.5
            while self.seen.count(text) < times and self._read(patience):
                pass

    def end_by(self, keys: bytes) -> int:
        """Press *keys*, again and again as in `type_until`, until the process has ended; return its exit code."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.seen!r}"
            self.type(keys)
            patience = time.monotonic() + 0.5
            while self._read(patience):
                pass
        return self.process.returncode

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal so large; the process is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, condition: Callable[[], bool], what: str) -> None:
        """Read until *condition* holds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert self._read(deadline), f"not {what}: {self.seen[-3000:]!r}"

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Read until *text* was printed so many *times*."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.seen.count(text) < times:
            assert self._read(deadline), f"no {text!r} in {self.seen!r}"

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def _read(self, deadline: float) -> bool:
        readable, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError:
            # The other end is closed: the process has ended.
            return False
        self.seen += self._decoder.decode(piece)
        return True
