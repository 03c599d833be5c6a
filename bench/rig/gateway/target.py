"""What is asked in a measurement: the mock itself, or a gateway before it; and what it costs its process."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

PROMPT = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Say what the fox does, and nothing else."},
]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Something that chats.

    Args:
        name: What it is called in the table.
        address: The path of a Unix socket, or host and port.
        path: Where it takes chats.
        prefix: What stands before the names of the mock's models.
        headers: Sent with every request.
        pid: Its process; 0 if its cost is not to be known.
    """

    name: str
    address: str | tuple[str, int]
    path: str = "/v1/chat/completions"
    prefix: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0

    def connect(self) -> socket.socket:
        """Return a new connection."""
        client = socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
        client.connect(self.address)
        if client.family == socket.AF_INET:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def chat(self, model: str, *, stream: bool) -> bytes:
        """Return a request for a chat with one of the mock's models."""
        asked = {"model": f"{self.prefix}{model}", "messages": PROMPT, "stream": stream, "max_tokens": 300}
        body = msgspec.json.encode(asked)
        return self.request("POST", self.path, body)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Return the bytes of a request."""
        about = {"content-type": "application/json", "content-length": str(len(body))} if body else {}
        lines = {"host": "localhost", "user-agent": "bench/1", "accept": "*/*", **about, **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    def cpu_seconds(self) -> float:
        """Return the processor time of all the process's threads so far, to the microsecond."""
        spent = (path.read_text("ascii").split()[0] for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"))
        return sum(map(int, spent)) / 1e9

    def rss_bytes(self) -> int:
        """Return the memory that the process holds (``VmRSS``)."""
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def alone(target: Target, others: Sequence[Target]) -> Iterator[None]:
    """Stop the *others*' processes until the end of the block: what they do idly is no part of *target*'s cost."""
    stopped = {other.pid for other in others if other.pid not in {0, target.pid}}
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
