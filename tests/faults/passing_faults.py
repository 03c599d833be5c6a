"""Faults that come and go, one function each: afterwards the daemon is as it was."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.daemon.child import Child
from tests.faults.test_connections import come_and_go, connections, take_a_byte
from tests.serving import HECATE
from tests.small_disk import fill

HALF_A_HEADER = b"GET /api/health HTTP/1.1\r\nhost: x\r\nx-slow: "
HALF_A_BODY = b"POST /api/ventures HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
STREAM = b"GET /api/events?after=0 HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n"
NONSENSE = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
    b"POST /api/ventures HTTP/1.1\r\nhost: x\r\ncontent-length: 20000\r\n\r\n" + b"[" * 20_000,
    b"POST /api/ventures HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
)
SECONDS = 1.0

Fault = Callable[[Child, Path], None]


def send_halves(child: Child, _place: Path) -> None:
    """Have 200 requests half-sent for a while."""
    with connections(child.socket_path, 100, HALF_A_HEADER), connections(child.socket_path, 100, HALF_A_BODY):
        time.sleep(SECONDS)


def come_and_go_again(child: Child, _place: Path) -> None:
    """Open and drop 600 connections."""
    come_and_go(child, (b"", HALF_A_HEADER, b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n"), 600)


def hardly_read(child: Child, _place: Path) -> None:
    """Have ten streams of which a byte is read."""
    with connections(child.socket_path, 10, STREAM) as readers:
        take_a_byte(readers)
        time.sleep(SECONDS)


def talk_nonsense(child: Child, _place: Path) -> None:
    """Send what is no request, and wait for what is said to it."""
    for request in NONSENSE:
        with connections(child.socket_path, 10, request) as callers:
            take_a_byte(callers)


def freeze(child: Child, _place: Path) -> None:
    """Stop the whole process for a while."""
    child.signal(signal.SIGSTOP)
    time.sleep(SECONDS)
    child.signal(signal.SIGCONT)


def reload(child: Child, _place: Path) -> None:
    """Have the configuration read again."""
    child.signal(signal.SIGHUP)


def fill_the_disk(_child: Child, place: Path) -> None:
    """Leave no room on the data's disk for a while."""
    ballast = place / "data" / "ballast"
    fill(ballast)
    time.sleep(SECONDS)
    ballast.unlink()


def back_up(_child: Child, place: Path) -> None:
    """Make a backup."""
    _hecate(place, "backup", place / "backup")
    shutil.rmtree(place / "backup")


def rebuild(_child: Child, place: Path) -> None:
    """Fold all read models anew."""
    _hecate(place, "rebuild")


def _hecate(place: Path, *words: str | Path) -> None:
    here = ("--data-dir", place / "data", "--config", place / "config.toml")
    subprocess.run([HECATE, *words, *here], check=True, capture_output=True)


FAULTS: Sequence[Fault] = (
    send_halves,
    come_and_go_again,
    hardly_read,
    talk_nonsense,
    freeze,
    reload,
    fill_the_disk,
    back_up,
    rebuild,
)
