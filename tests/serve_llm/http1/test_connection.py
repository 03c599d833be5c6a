"""One exchange after the other on one connection, with answers of every form."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hecate.serve_llm.http1.answer import HEADER_LIMIT_BYTES
from hecate.serve_llm.http1.connection import HELD_BYTES, Connection
from hecate.serve_llm.http1.dialing import Dialer
from hecate.serve_llm.http1.failures import BrokenOff, ExchangeTooLong, HttpFailure, NotHttp, SilentTooLong
from hecate.serve_llm.http1.origin import Origin

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Connect = Callable[[Act], Awaitable[Connection]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Give a function that connects to a server which acts as told, once for each connection."""
    servers: list[asyncio.Server] = []
    connections: list[Connection] = []

    async def connected(act: Act) -> Connection:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await act(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        connection = await Dialer().connect(Origin("http", "127.0.0.1", port, None), 5.0, lambda _: None)
        connections.append(connection)
        return connection

    yield connected
    for connection in connections:
        connection.close()
    for server in servers:
        server.close()
        await server.wait_closed()


def answering(*answers: bytes, cut: int = 0) -> Act:
    """Return what gives each request the next of *answers*, and then hangs up; *cut* into so many bytes a time."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            for start in range(0, len(answer), cut or len(answer)):
                writer.write(answer[start : start + (cut or len(answer))])
                await writer.drain()
                if cut:
                    await asyncio.sleep(0)

    return act


async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the caller has gone."""
    await reader.read()


async def exchange(connection: Connection, body: bytes | None = None) -> bytes:
    """Return the whole body of one answer."""
    connection.send(HEAD, body, seconds=10.0)
    await connection.begun()
    parts = []
    while part := await connection.read():
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end", b"until the end"),
    ],
)
async def test_a_body_of_any_form_is_read(answer: bytes, body: bytes, cut: int, connect: Connect) -> None:
    """By length, in chunks, until the connection ends, after a provisional answer; wherever it is cut."""
    connection = await connect(answering(answer, cut=cut))
    assert await exchange(connection) == body
    assert connection.status in {200, 204}


async def test_headers_are_found_by_any_spelling(connect: Connect) -> None:
    """A repeated one's values are joined; one that is not there is empty."""
    connection = await connect(
        answering(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n")
    )
    await exchange(connection)
    assert connection.status == 429
    assert connection.headers["RETRY-AFTER"] == connection.headers.get("retry-after") == "7"
    assert connection.headers["x-a"] == "1, 2"
    assert "X-B" not in connection.headers
    assert connection.headers.get("X-B") == ""


async def test_a_connection_takes_one_exchange_after_the_other(connect: Connect) -> None:
    """As long as both sides agree to it."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
    connection = await connect(answering(answer % (3, b"one"), CHUNKED + b"3\r\ntwo\r\n0\r\n\r\n", answer % (0, b"")))
    for expected in (b"one", b"two", b""):
        assert await exchange(connection) == expected
        assert connection.is_reusable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    ],
)
async def test_a_connection_that_must_not_be_used_again_is_not(answer: bytes, connect: Connect) -> None:
    """One that the server will close, and one on which it has said more than it was asked."""
    connection = await connect(answering(answer))
    assert await exchange(connection) == b"hi"
    assert not connection.is_reusable


async def test_what_nobody_asked_for_ends_an_idle_connection(connect: Connect) -> None:
    """It could be taken for the answer to the next request."""
    go_on = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(reader, writer)
        await go_on.wait()
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        assert await reader.read() == b""

    connection = await connect(act)
    await exchange(connection)
    assert connection.is_reusable
    go_on.set()
    async with asyncio.timeout(10):
        while connection.is_reusable:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_a_request_has_its_length(size: int, connect: Connect) -> None:
    """A small body goes out with its head, a large one uncopied."""
    received: list[bytes] = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        received.append(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    await exchange(await connect(act), b"x" * size)
    assert received == [HEAD + b"Content-Length: %d\r\n\r\n" % size, b"x" * size]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [(b"gzip", gzip.compress), (b"deflate", zlib.compress), (b"identity", bytes)],
)
async def test_a_compressed_body_is_read(encoding: bytes, encode: Callable[[bytes], bytes], connect: Connect) -> None:
    """Some servers compress unasked."""
    body = encode(b"hello " * 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
    assert await exchange(await connect(answering(head + body, cut=100))) == b"hello " * 1000


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", None),
        (CHUNKED + b"zz\r\n", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * HEADER_LIMIT_BYTES + b"\r\n", "longer than 64 KiB"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "encoded as br"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "cannot be decompressed"),
    ],
)
async def test_what_is_no_http_is_said_to_be_none(answer: bytes, why: str | None, connect: Connect) -> None:
    """With the reason, and the connection is closed."""
    connection = await connect(answering(answer))
    with pytest.raises(NotHttp, match=why):
        await exchange(connection)
    assert not connection.is_reusable


async def test_a_body_that_grows_without_end_is_refused(connect: Connect) -> None:
    """A few kilobytes that become many megabytes are no answer of a model."""
    body = gzip.compress(bytes(64 * 1024 * 1024))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(NotHttp, match="far larger"):
        await exchange(await connect(answering(head + body)))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        CHUNKED + b"5\r\nhello\r\n",
    ],
)
async def test_a_connection_that_ends_too_early_is_broken(answer: bytes, connect: Connect) -> None:
    """Before the answer, in its head, in its body, before its end mark."""
    with pytest.raises(BrokenOff):
        await exchange(await connect(answering(answer)))


async def test_what_came_before_the_break_is_given(connect: Connect) -> None:
    """The failure comes after it, and again whenever it is asked for."""
    connection = await connect(answering(CHUNKED + b"5\r\nhello\r\n"))
    connection.send(HEAD, None, seconds=10.0)
    await connection.begun()
    assert await connection.read() == b"hello"
    for _ in range(2):
        with pytest.raises(BrokenOff):
            await connection.read()


async def test_a_closed_connection_takes_no_exchange(connect: Connect) -> None:
    """It fails as if it had broken then."""
    connection = await connect(waiting)
    connection.close()
    with pytest.raises(BrokenOff):
        await exchange(connection)


async def test_the_whole_may_take_too_long(connect: Connect) -> None:
    """However much comes."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        while True:
            writer.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.005)

    connection = await connect(act)
    connection.send(HEAD, None, seconds=0.1, quiet_seconds=5.0)
    with pytest.raises(ExchangeTooLong):
        await _read_out(connection)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 20", CHUNKED])
async def test_silence_may_take_too_long(begun: bytes, connect: Connect) -> None:
    """Before the answer or in it; counted from the last byte."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begun)
        await reader.read()

    connection = await connect(act)
    connection.send(HEAD, None, seconds=10.0, quiet_seconds=0.05)
    with pytest.raises(SilentTooLong):
        await _read_out(connection)


async def test_how_long_silence_may_take_can_change(connect: Connect) -> None:
    """A model may think long, and must then go on."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"1\r\nx\r\n")
        await reader.read()

    connection = await connect(act)
    connection.send(HEAD, None, seconds=10.0, quiet_seconds=10.0)
    await connection.begun()
    assert await connection.read() == b"x"
    connection.quiet_at_most(0.05)
    with pytest.raises(SilentTooLong):
        await connection.read()


async def test_a_slow_reader_makes_the_server_wait(connect: Connect) -> None:
    """What is not read is not piled up here, and a pause of ours is no silence of theirs."""
    sent = 0
    stuck = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.transport.set_write_buffer_limits(high=0)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n%b\r\n" % bytes(65536))
            try:
                async with asyncio.timeout(0.2):
                    await writer.drain()
            except TimeoutError:
                stuck.set()
                await writer.drain()
            sent += 1

    connection = await connect(act)
    connection.send(HEAD, None, seconds=30.0, quiet_seconds=0.1)
    await connection.begun()
    await asyncio.wait_for(stuck.wait(), 20)
    before = sent
    assert len(await connection.read()) < 4 * HELD_BYTES
    async with asyncio.timeout(20):
        while sent == before:
            assert await connection.read()


async def test_the_rest_of_an_answer_is_discarded(connect: Connect) -> None:
    """Whoever has read enough gets the connection back once its answer is complete."""
    go_on = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"1\r\nx\r\n")
        await go_on.wait()
        writer.write(b"1\r\ny\r\n0\r\n\r\n")
        await reader.read()

    connection = await connect(act)
    connection.send(HEAD, None, seconds=10.0)
    await connection.begun()
    assert await connection.read() == b"x"
    done = asyncio.get_running_loop().create_future()
    connection.discard_rest(10.0, 100, done.set_result)
    go_on.set()
    assert await asyncio.wait_for(done, 10) is connection
    assert connection.is_reusable


@pytest.mark.parametrize("limit_bytes", [5, 1000], ids=["too much", "too late"])
async def test_a_rest_without_an_end_is_not_waited_for(limit_bytes: int, connect: Connect) -> None:
    """Neither for long nor for much of it."""
    gone, go_on = asyncio.Event(), asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"1\r\nx\r\n")
        await go_on.wait()
        writer.write(b"9\r\nand so on\r\n")
        await reader.read()
        gone.set()

    connection = await connect(act)
    connection.send(HEAD, None, seconds=10.0)
    await connection.begun()
    connection.discard_rest(10.0 if limit_bytes == 5 else 0.05, limit_bytes, lambda _: None)
    go_on.set()
    await asyncio.wait_for(gone.wait(), 10)
    assert not connection.is_reusable


async def test_closing_ends_the_call_at_the_server(connect: Connect) -> None:
    """At once, and whoever reads is told."""
    gone = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        gone.set()

    connection = await connect(act)
    connection.send(HEAD, None, seconds=10.0)
    reading = asyncio.ensure_future(connection.begun())
    await asyncio.sleep(0)
    connection.close()
    with pytest.raises(BrokenOff):
        await reading
    await asyncio.wait_for(gone.wait(), 10)


async def _read_out(connection: Connection) -> None:
    await connection.begun()
    while await connection.read():
        pass


def test_every_failure_is_one() -> None:
    """What catches `HttpFailure` catches all."""
    assert all(issubclass(kind, HttpFailure) for kind in (BrokenOff, ExchangeTooLong, NotHttp, SilentTooLong))
