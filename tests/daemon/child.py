"""Starts daemons as child processes, and talks to them over their sockets."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

DEADLINE_SECONDS = 20.0
TINY_DAEMON = Path(__file__).with_name("tiny_daemon.py")


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=DEADLINE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path)


class Child:
    """A daemon in a process of its own, with what it has written to its outputs so far."""

    def __init__(self, process: subprocess.Popen[bytes], socket_path: Path) -> None:
        self.process = process
        self.socket_path = socket_path
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(process.stdout, self.out)),
            threading.Thread(target=self._read, args=(process.stderr, self.err)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines += [line.decode().rstrip("\n")]  # at once, not when the stream has ended

    def ready(self) -> Self:
        """Wait until it says that it is."""
        self.wait_for_line('"ready"')
        return self

    def wait_for_line(self, text: str, *, times: int = 1) -> str:
        """Wait until standard error has *times* lines with *text*, and return the last of them."""

        def found() -> list[str]:
            return [line for line in self.err if text in line]

        wait_until(lambda: len(found()) >= times or self.process.poll() is not None)
        assert len(found()) >= times, f"no {text!r} in {self.err}"
        return found()[times - 1]

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended, and return its exit status."""
        status = self.process.wait(DEADLINE_SECONDS)
        for reader in self._readers:
            reader.join(DEADLINE_SECONDS)
        return status

    def request(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Send one request and return the JSON that answers it."""
        connection = UnixConnection(self.socket_path)
        try:
            connection.request("GET" if body is None else "POST", path, body)
            with connection.getresponse() as response:
                answer: dict[str, Any] = json.loads(response.read())
            return answer
        finally:
            connection.close()


@contextmanager
def started(
    arguments: Sequence[str | Path],
    socket_path: Path,
    *,
    program: Sequence[str | Path] = (TINY_DAEMON,),
    environ: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[Child]:
    """Start *program* with *arguments*; kill it at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, *program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment() | dict(environ or {}),
        pass_fds=pass_fds,
    )
    child = Child(process, socket_path)
    try:
        yield child
    finally:
        process.kill()
        child.end()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def child_environment() -> dict[str, str]:
    """Return an environment in which a child finds this code, and nothing of the user's daemon."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HECATE_", "XDG_"))}
    kept.pop("NOTIFY_SOCKET", None)
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def connect(path: Path) -> socket.socket:
    """Return a connection to the socket at *path*."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(DEADLINE_SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def wait_until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until *condition* holds, for *seconds* at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
