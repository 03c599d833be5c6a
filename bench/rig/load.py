"""Clients in a process of their own: each sends a request, waits for the whole answer, and sends the next.

    python -m bench.rig.load PLAN      PLAN is JSON, see `Plan`; prints a `Load` as JSON

It has to be cheap, since it shares the processors with the daemon that it measures: blocking
system calls, one buffer, no HTTP library.  One answer costs it about 15 µs.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import msgspec

from bench.rig.figures import percentile

RECEIVE_BYTES = 1 << 18
NUMBER_DIGITS = 9
OUTCOMES = (b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")
HEADERS = "host: localhost\r\nuser-agent: bench/1\r\naccept: */*\r\n"


class Request(msgspec.Struct, frozen=True):
    """What one client asks again and again, of each path in turn.

    ``{n}`` in the body becomes another number each time.
    """

    method: str
    paths: tuple[str, ...]
    body: str = ""


class Plan(msgspec.Struct, frozen=True):
    """One measurement: a request for each client, sent for as long as it lasts."""

    socket: str
    requests: tuple[Request, ...]
    seconds: float
    warm_up_seconds: float = 0.5


class Load(msgspec.Struct, frozen=True):
    """What the clients saw, after the warm-up.  Latencies are in milliseconds."""

    rate: float
    """Answers a second, of all clients."""
    p50: float
    p99: float
    most: float
    began: float
    """On the monotonic clock, in seconds."""
    ended: float
    answers: int
    """All that there were, those of the warm-up too."""


def load(socket_path: Path, requests: Sequence[Request], seconds: float) -> Load:
    """Have one client for each of *requests* ask for *seconds*, in a process of their own.

    Raises:
        subprocess.CalledProcessError: An answer was no success; the process has said which.
    """
    plan = Plan(str(socket_path), tuple(requests), seconds, min(0.5, seconds / 2))
    command = [sys.executable, "-m", "bench.rig.load", msgspec.json.encode(plan).decode()]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[2])
    return msgspec.json.decode(done.stdout, type=Load)


def messages(request: Request, numbers: Iterator[int]) -> Callable[[], bytes]:
    """Return a function that gives the next message of *request*."""
    before, mark, after = request.body.partition("{n}")
    size = len(before) + len(after) + (NUMBER_DIGITS if mark else 0)
    about = f"content-type: application/json\r\ncontent-length: {size}\r\n" if size else ""
    heads = cycle(
        [f"{request.method} {path} HTTP/1.1\r\n{HEADERS}{about}\r\n{before}".encode() for path in request.paths]
    )
    if not mark:
        return heads.__next__
    tail = after.encode()
    return lambda: b"%b%09d%b" % (next(heads), next(numbers), tail)


def is_whole(answer: bytes) -> bool:
    """Tell whether *answer* has all the bytes that its ``content-length`` promises."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    start = answer.index(b"content-length: ") + 16
    return len(answer) >= end + 4 + int(answer[start : answer.index(b"\r", start)])


def carry_out(plan: Plan) -> Load:
    """Ask as *plan* says, and return what came of it.

    Raises:
        RuntimeError: An answer was no success, or the daemon hung up.
    """
    numbers = iter(range(10**NUMBER_DIGITS))
    poll = select.epoll()
    clients: dict[int, tuple[socket.socket, Callable[[], bytes]]] = {}
    for request in plan.requests:
        client = socket.socket(socket.AF_UNIX)
        client.connect(plan.socket)
        poll.register(client, select.EPOLLIN)
        clients[client.fileno()] = client, messages(request, numbers)
    clock = time.monotonic
    begin = clock() + plan.warm_up_seconds
    end = begin + plan.seconds
    sent: dict[int, float] = {}
    halves: dict[int, bytes] = {}
    latencies: list[float] = []
    answers = 0
    for number, (client, message) in clients.items():
        sent[number] = clock()
        client.sendall(message())
    now = clock()
    while now < end:
        for number, _ in poll.poll():
            client, message = clients[number]
            answer = client.recv(RECEIVE_BYTES)
            if not answer:
                raise RuntimeError("the daemon hung up")
            if number in halves:
                answer = halves.pop(number) + answer
            if not is_whole(answer):
                halves[number] = answer
                continue
            now = clock()
            if not answer.startswith(OUTCOMES):
                raise RuntimeError(answer.decode())
            answers += 1
            if now > begin:
                latencies.append(now - sent[number])
            sent[number] = now
            client.sendall(message())
    for client, _ in clients.values():
        client.close()
    latencies.sort()
    return Load(
        rate=len(latencies) / (now - begin),
        p50=percentile(latencies, 0.5) * 1000,
        p99=percentile(latencies, 0.99) * 1000,
        most=latencies[-1] * 1000,
        began=begin,
        ended=now,
        answers=answers,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(msgspec.json.decode(sys.argv[1], type=Plan))))
