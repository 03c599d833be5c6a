"""Clients of a `Target`, in this process: cheap, since they share a core with the mock.

Blocking system calls on non-blocking events, one buffer, no HTTP library.  All times are in
seconds, on the monotonic clock.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from bench.rig.figures import percentile
from bench.rig.gateway.mock_openai import WORD, Calls
from bench.rig.gateway.target import Target

RECEIVE_BYTES = 1 << 18
PATIENCE_SECONDS = 10.0
OPENED_AT_ONCE = 50
CHUNKED_END = b"0\r\n\r\n"
_TAIL = len(CHUNKED_END) - 1
assert len(WORD) == len(CHUNKED_END)


class Asked(NamedTuple):
    """What clients saw: of whole answers, or of the chunks of streams."""

    rate: float
    """Answers, or chunks, a second, of all clients."""
    p50: float
    """Until the answer, or the first chunk, had come."""
    p99: float
    cpu: float
    """Of the target's process, for each answer or chunk."""


def ask_whole(target: Target, message: bytes, clients: int, seconds: float) -> Asked:
    """Have *clients* send *message* again and again, each as soon as it is answered, after a warm-up of a fifth.

    Raises:
        RuntimeError: An answer was no success, or none came.
    """
    sent: dict[int, float] = {}
    halves: dict[int, bytes] = {}
    latencies: list[float] = []
    clock = time.monotonic
    with _connections(target, clients) as (poll, sockets):
        began = clock() + seconds / 5
        end = began + seconds
        counting, cpu = False, 0.0
        for number, client in sockets.items():
            sent[number] = clock()
            client.sendall(message)
        now = clock()
        while now < end:
            for number, _ in _events(poll, target):
                client = sockets[number]
                answer = halves.pop(number, b"") + client.recv(RECEIVE_BYTES)
                if not _is_whole(answer, target):
                    halves[number] = answer
                    continue
                now = clock()
                if counting:
                    latencies.append(now - sent[number])
                elif now > began:
                    counting, cpu, began = True, _cpu(target), now
                sent[number] = now
                client.sendall(message)
        cpu = _cpu(target) - cpu
    if not latencies:
        raise RuntimeError(f"{target.name} has answered nothing in {seconds} s")
    latencies.sort()
    return Asked(
        len(latencies) / (now - began), percentile(latencies, 0.5), percentile(latencies, 0.99), cpu / len(latencies)
    )


@dataclass(slots=True)
class _Reader:
    """One client's stream, as far as it has come."""

    left: int
    """How many streams it will still ask for."""
    sent: float = 0.0
    begun: bool = False
    chunks: int = 0
    tail: bytes = field(default=b"")


def ask_streams(target: Target, model: str, clients: int, each: int, *, chunks: int, stagger: float) -> Asked:
    """Have *clients* read *each* so many streams of *chunks*, one after the other; they start *stagger* apart.

    Raises:
        RuntimeError: A stream was refused, or lost a chunk.
    """
    message = target.chat(model, stream=True)
    firsts: list[float] = []
    clock = time.monotonic
    with _connections(target, clients) as (poll, sockets):
        cpu = _cpu(target)
        start = clock()
        waiting = [(start + stagger * place, number) for place, number in enumerate(sockets)][::-1]
        readers = {number: _Reader(each) for number in sockets}
        open_ = len(readers)
        began = now = start
        while open_:
            while waiting and waiting[-1][0] <= now:
                _, number = waiting.pop()
                readers[number].sent = clock()
                sockets[number].sendall(message)
            soon = max(0.0, waiting[-1][0] - clock()) if waiting else PATIENCE_SECONDS
            for number, _ in _events(poll, target, soon):
                reader = readers[number]
                data = sockets[number].recv(RECEIVE_BYTES)
                now = clock()
                if not reader.begun and not data.startswith(b"HTTP/1.1 200 "):
                    raise RuntimeError(f"{target.name} refuses a stream: {data[:500]!r}")
                reader.begun = True
                data = reader.tail + data
                reader.tail = data[-_TAIL:]
                if found := data.count(WORD):
                    if not reader.chunks:
                        firsts.append(now - reader.sent)
                        began = began if began > start else now
                    reader.chunks += found
                if not data.endswith(CHUNKED_END):
                    continue
                if reader.chunks != chunks:
                    raise RuntimeError(f"{target.name} gave {reader.chunks} of {chunks} chunks: {data[-500:]!r}")
                reader.left -= 1
                reader.begun, reader.chunks, reader.tail = False, 0, b""
                if reader.left:
                    reader.sent = clock()
                    sockets[number].sendall(message)
                else:
                    open_ -= 1
            now = clock()
        total = chunks * len(firsts)
        firsts.sort()
        p50, p99 = percentile(firsts, 0.5), percentile(firsts, 0.99)
        return Asked(total / (now - began), p50, p99, (_cpu(target) - cpu) / total)


def open_streams(target: Target, model: str, count: int) -> list[socket.socket]:
    """Open *count* streams, each of whose first chunk has been read, and return their connections.

    Raises:
        RuntimeError: One was refused, or its first chunk does not come.
    """
    message = target.chat(model, stream=True)
    opened: list[socket.socket] = []
    try:
        while len(opened) < count:
            some = [target.connect() for _ in range(min(OPENED_AT_ONCE, count - len(opened)))]
            opened += some
            for client in some:
                client.sendall(message)
            for client in some:
                _read_first_chunk(client, target)
    except (OSError, RuntimeError) as exc:
        for client in opened:
            client.close()
        raise RuntimeError(f"{target.name} does not open {count} streams: {exc}") from exc
    return opened


def _read_first_chunk(client: socket.socket, target: Target) -> None:
    client.settimeout(PATIENCE_SECONDS)
    data = b""
    while WORD not in data:
        piece = client.recv(RECEIVE_BYTES)
        data += piece
        if not piece or not data.startswith(b"HTTP/1.1 200 "[: len(data)]):
            raise RuntimeError(f"{target.name} refuses a stream: {data[:500]!r}")


def ask_once(target: Target, path: str) -> float:
    """Return how long ``GET path`` takes on a connection of its own, and see that it succeeds.

    Raises:
        RuntimeError: It does not.
    """
    began = time.monotonic()
    _see_success(target, get(target, path))
    return time.monotonic() - began


def chat_once(target: Target, model: str) -> None:
    """Have *model* answer once, and see that it succeeds.

    Raises:
        RuntimeError: It does not.
    """
    _see_success(target, _exchange(target, target.chat(model, stream=False)))


def get(target: Target, path: str) -> bytes:
    """Return the whole answer of ``GET path``, with its head."""
    return _exchange(target, target.request("GET", path))


def _see_success(target: Target, answer: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{target.name}: {answer[:500]!r}")


def _exchange(target: Target, message: bytes) -> bytes:
    with target.connect() as client:
        client.settimeout(PATIENCE_SECONDS)
        client.sendall(message)
        answer = b""
        while not answer.startswith(b"HTTP/1.1 ") or not _is_whole(answer, target, refusals=True):
            if not (piece := client.recv(RECEIVE_BYTES)):
                break
            answer += piece
        return answer


def calls_of(mock: Target) -> Calls:
    """Return what became of the mock's calls so far."""
    return msgspec.json.decode(get(mock, "/calls").partition(b"\r\n\r\n")[2], type=Calls)


@contextmanager
def _connections(target: Target, count: int) -> Iterator[tuple[select.epoll, dict[int, socket.socket]]]:
    with select.epoll() as poll:
        sockets: dict[int, socket.socket] = {}
        try:
            for _ in range(count):
                client = target.connect()
                sockets[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            yield poll, sockets
        finally:
            for client in sockets.values():
                with suppress(OSError):
                    client.close()


def _events(poll: select.epoll, target: Target, seconds: float = PATIENCE_SECONDS) -> list[tuple[int, int]]:
    events = poll.poll(seconds)
    if not events and seconds == PATIENCE_SECONDS:
        raise RuntimeError(f"{target.name} has been silent for {seconds:g} s")
    return events


def _is_whole(answer: bytes, target: Target, *, refusals: bool = False) -> bool:
    """Tell whether *answer* has come to its end, by its length or by its last chunk."""
    if not answer:
        raise RuntimeError(f"{target.name} hung up")
    if not refusals:
        _see_success(target, answer)
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[: end + 2].lower()
    at = head.find(b"\r\ncontent-length: ")
    if at < 0:
        return answer.endswith(CHUNKED_END)
    return len(answer) >= end + 4 + int(head[at + 18 : head.index(b"\r", at + 2)])


def _cpu(target: Target) -> float:
    return target.cpu_seconds() if target.pid else 0.0
