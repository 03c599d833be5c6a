"""HTTP as the daemon's socket speaks it: who calls, and what is refused."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hecate.daemon.http_protocol import HEADER_LIMIT_BYTES, Patience, PeerHttpProtocol, peer_of
from hecate.daemon.server import Server

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what the application was told, once the body is complete."""
    length, complete = 0, False
    while not complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message["body"])
        complete = not message["more_body"]
    body = json.dumps({"path": scope["path"], "peer": scope["state"]["peer"], "length": length}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(place: Path, **options: Any) -> AsyncIterator[Callable[[], Any]]:
    """Serve `tell` in *place*, and give a function that connects."""
    server = Server(tell, **options)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place / "s"))
    await server.listen(listener)
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> Pair:
        reader, writer = await asyncio.open_unix_connection(str(place / "s"))
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
        await server.drain(seconds=5)


async def answer_from(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and JSON of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, json.loads(await reader.readexactly(int(headers["content-length"])))


async def exchange(connect: Callable[[], Any], request: bytes) -> tuple[int, dict[str, str], Any]:
    """Send *request* on a connection of its own and return the answer."""
    reader, writer = await connect()
    writer.write(request)
    return await answer_from(reader)


async def test_a_request_carries_its_peer(place: Path) -> None:
    """The application is told uid, gid and pid of the caller, as the kernel knows them."""
    async with serving(place) as connect:
        status, headers, told = await exchange(connect, GET + b"\r\n")
    assert status == 200
    assert told["peer"] == [os.getuid(), os.getgid(), os.getpid()]
    assert headers["date"].endswith("GMT")
    assert "server" not in headers


async def test_a_tcp_connection_has_no_peer() -> None:
    """Over TCP nobody can say who calls."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert peer_of(writer.transport) is None
    writer.close()
    server.close()
    await server.wait_closed()


async def test_a_connection_takes_several_requests(place: Path) -> None:
    """Kept alive, and also when the second request is sent before the first is answered."""
    async with serving(place) as connect:
        reader, writer = await connect()
        writer.write(GET + b"\r\n" + GET.replace(b"/", b"/two", 1) + b"\r\n")
        assert [(await answer_from(reader))[2]["path"] for _ in range(2)] == ["/", "/two"]
        writer.write(GET + b"\r\n")
        assert (await answer_from(reader))[0] == 200


async def test_requests_that_come_together_are_answered_in_order(place: Path) -> None:
    """A client that does not wait for its answers gets them all, each with the body that belongs to it."""
    async with serving(place) as connect:
        reader, writer = await connect()
        for body in (b"first", b"", b"a third"):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        assert [(await answer_from(reader))[2]["length"] for _ in range(3)] == [5, 0, 7]


async def test_a_request_that_comes_byte_by_byte_is_answered(place: Path) -> None:
    """Where the pieces are cut makes no difference."""
    async with serving(place) as connect:
        reader, writer = await connect()
        for byte in b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc":
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await answer_from(reader))[2]["length"] == 3


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_header_that_is_too_long_is_refused(place: Path, pieces: int) -> None:
    """431 in the contract's shape, whether the header comes at once or in many pieces, complete or not."""
    lines = [b"x-%d: %s\r\n" % (number, b"a" * 1024) for number in range(HEADER_LIMIT_BYTES // 1024 + 1)]
    request = GET + b"".join(lines) + (b"\r\n" if pieces == 1 else b"")
    async with serving(place) as connect:
        reader, writer = await connect()
        for start in range(0, len(request), len(request) // pieces):
            writer.write(request[start : start + len(request) // pieces])
        status, headers, told = await answer_from(reader)
        assert await reader.read() == b""
    assert (status, headers["connection"]) == (431, "close")
    assert told == {"ok": False, "error": "the request's header is longer than 32 KiB", "code": "validation_error"}


async def test_a_header_of_a_second_request_is_measured_alone(place: Path) -> None:
    """The limit is for one request, not for the connection."""
    long = GET + b"x: " + b"a" * (HEADER_LIMIT_BYTES - 200) + b"\r\n\r\n"
    async with serving(place) as connect:
        reader, writer = await connect()
        for _ in range(3):
            writer.write(long[:20000])
            await writer.drain()
            writer.write(long[20000:])
            assert (await answer_from(reader))[0] == 200


async def test_a_large_body_is_no_long_header(place: Path) -> None:
    """Bodies have limits of their own, which the routes know."""
    request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + b"a" * 1_000_000
    async with serving(place) as connect:
        assert (await exchange(connect, request))[2]["length"] == 1_000_000


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: \x00\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused_in_the_contracts_shape(place: Path, request_bytes: bytes) -> None:
    """400, ``ok`` false, a sentence and a code, and the connection is closed."""
    async with serving(place) as connect:
        status, headers, told = await exchange(connect, request_bytes)
    assert (status, headers["content-type"], headers["connection"]) == (400, "application/json", "close")
    assert told == {"ok": False, "error": "the request is not valid HTTP/1.1", "code": "validation_error"}


async def test_nonsense_after_a_request_does_not_cut_its_answer_off(place: Path) -> None:
    """What was rightly asked is answered, then the connection ends."""
    async with serving(place) as connect:
        reader, writer = await connect()
        writer.write(GET + b"\r\nnonsense\r\n\r\n")
        status, headers, _ = await answer_from(reader)
        assert (status, headers["connection"]) == (200, "close")
        assert await reader.read() == b""


async def test_an_offered_upgrade_is_passed_over(place: Path) -> None:
    """``curl --http2`` offers one with each call; the answer is HTTP/1.1."""
    offer = GET + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n"
    async with serving(place) as connect:
        assert (await exchange(connect, offer))[0] == 200


@pytest.mark.parametrize("begun", [b"", b"GET / HT", GET])
async def test_a_header_that_does_not_come_is_not_waited_for(place: Path, begun: bytes) -> None:
    """A silent or half-sent request is closed when its time is over."""
    async with serving(place, patience=Patience(header_seconds=0.05)) as connect:
        reader, writer = await connect()
        writer.write(begun)
        assert await reader.read() == b""


async def test_small_pieces_do_not_prolong_a_header(place: Path) -> None:
    """The deadline is for the whole header: a slow trickle ends, too."""
    async with serving(place, patience=Patience(header_seconds=0.2)) as connect:
        reader, writer = await connect()
        writer.write(GET)
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"x: y\r\n")
            await asyncio.wait((ended,), timeout=0.01)
        # The other end closed with our pieces unread; the kernel may call that a reset.
        assert ended.exception() is not None or ended.result() == b""


async def test_a_body_that_stalls_is_not_waited_for(place: Path) -> None:
    """The caller has some time between two pieces, not for ever."""
    async with serving(place, patience=Patience(body_gap_seconds=0.05)) as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        assert await reader.read() == b""


async def test_an_answered_connection_may_idle(place: Path) -> None:
    """The deadlines are for requests, not for what lies between them."""
    async with serving(place, patience=Patience(header_seconds=0.05, body_gap_seconds=0.05)) as connect:
        reader, writer = await connect()
        writer.write(GET + b"\r\n")
        await answer_from(reader)
        more = asyncio.ensure_future(answer_from(reader))
        await asyncio.wait((more,), timeout=0.2)
        assert not more.done()
        writer.write(GET + b"\r\n")
        assert (await more)[0] == 200


async def test_too_many_connections_are_told_so(place: Path) -> None:
    """One more than there may be gets 503 and ``Retry-After``; the others are not disturbed."""
    async with serving(place, limit=2) as connect:
        first, _ = pairs = [await connect() for _ in range(2)]
        reader, _ = await connect()
        status, headers, told = await answer_from(reader)
        assert (status, headers["Retry-After"], told["code"]) == (503, "1", "unavailable")
        first[1].write(GET + b"\r\n")
        assert (await answer_from(first[0]))[0] == 200
        assert len(pairs) == 2


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GET + b"\r\n", 200),
        (GET + b"x: " + b"a" * HEADER_LIMIT_BYTES + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=["answered", "too long", "no host", "no HTTP"],
)
async def test_a_connection_leaves_nothing_to_the_garbage_collector(
    place: Path, request_bytes: bytes, status: int
) -> None:
    """What has ended is gone at once: callers who come and go by the thousand do not make the process grow."""
    gc.collect()
    gc.disable()
    try:
        async with serving(place) as connect:
            for _ in range(3):
                reader, writer = await connect()
                writer.write(request_bytes)
                assert (await answer_from(reader))[0] == status
                writer.close()
            async with asyncio.timeout(5):
                while any(isinstance(left, PeerHttpProtocol) for left in gc.get_objects()):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()
