"""A stand-in for the daemon that does with each request what a test has written down, however rude."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO


@dataclass
class Request:
    """What came over the socket."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came on, counted from 0."""


Step = Callable[[socket.socket, Request], bool]
"""Does something about one request; returns whether the connection goes on."""


@dataclass
class ScriptedDaemon:
    """Serves the steps in their order, one a request; the requests that came are in `requests`."""

    path: Path
    steps: list[Step]
    reads_bodies: bool = True
    requests: list[Request] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    """Set when a request has come."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when a connection has ended."""
    _connections: int = 0

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        number, self._connections = self._connections, self._connections + 1
        # The client may hang up before a step has said all it has to say.
        with suppress(BrokenPipeError, ConnectionResetError), connection, connection.makefile("rb") as lines:
            self._serve(connection, lines, number)
        self.ended.set()

    def _serve(self, connection: socket.socket, lines: BinaryIO, number: int) -> None:
        while first := lines.readline():
            method, path, _ = first.decode().split(" ")
            headers = {}
            while (line := lines.readline().decode().strip()) != "":
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            body = lines.read(int(headers.get("content-length", "0"))) if self.reads_bodies else b""
            request = Request(method, path, headers, body, number)
            self.requests.append(request)
            self.began.set()
            if not self.steps.pop(0)(connection, request):
                return


@contextmanager
def scripted_daemon(folder: Path, *steps: Step, reads_bodies: bool = True) -> Iterator[ScriptedDaemon]:
    """Run a scripted daemon on a socket in *folder*."""
    daemon = ScriptedDaemon(folder / "daemon.sock", list(steps), reads_bodies)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(daemon.path))
    listener.listen()
    threads = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=daemon.serve, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield daemon
    finally:
        # A blocked accept is not woken by close alone.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


def answer(content: Any, status: int = 200, **headers: str) -> Step:
    """Answer with *content* as JSON, or as it is if it is bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def step(connection: socket.socket, request: Request) -> bool:
        lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return True

    return step


def answer_and_close(content: Any) -> Step:
    """Answer, and then close the connection without having said so."""

    def step(connection: socket.socket, request: Request) -> bool:
        answer(content)(connection, request)
        return False

    return step


def break_off(connection: socket.socket, request: Request) -> bool:
    """Close the connection without a word."""
    return False


def stay_silent(until: threading.Event) -> Step:
    """Say nothing *until* the test is over."""

    def step(connection: socket.socket, request: Request) -> bool:
        until.wait(10)
        return False

    return step


def stream(*pieces: bytes, then: Step | None = None) -> Step:
    """Send *pieces* as server-sent events, one chunk each; then end properly, or do what *then* does."""

    def step(connection: socket.socket, request: Request) -> bool:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"X-Request-Id: r-1\r\n\r\n"
        )
        for piece in pieces:
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if then is not None:
            return then(connection, request)
        connection.sendall(b"0\r\n\r\n")
        return True

    return step


def wait_for_hang_up(connection: socket.socket, request: Request) -> bool:
    """Hold the stream open until the client closes it."""
    connection.settimeout(10)
    connection.recv(1)
    return False
