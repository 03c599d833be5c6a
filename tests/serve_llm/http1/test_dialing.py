"""Connections over TLS, through a proxy, and to nobody."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from hecate.serve_llm.http1.connection import Connection
from hecate.serve_llm.http1.dialing import Dialer
from hecate.serve_llm.http1.failures import CannotConnect, CertificateNotTrusted, ConnectingTooLong
from hecate.serve_llm.http1.origin import Origin

CERTIFICATE = Path(__file__).parents[2] / "fakes" / "localhost.pem"
"""For localhost, by nobody whom anybody trusts; with its key."""


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def first_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with its first line."""
    head = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
    await reader.read()


async def bad_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a server does that expected something else."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@asynccontextmanager
async def serving(serve: Serve = first_line, *, tls: bool = False, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Have *serve* talk on every connection, and give the port."""
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def proxying(
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
) -> AsyncIterator[tuple[int, list[str]]]:
    """Be a proxy that opens tunnels; give its port and the heads of what it was asked."""
    heads: list[str] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        if b" 200 " in answer:
            port = int(heads[-1].split(" ")[1].rpartition(":")[2])
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    async with serving(serve) as port:
        yield port, heads


async def connected(url: str, proxy: str = "", *, seconds: float = 10.0) -> Connection:
    """Return a connection to *url*."""
    return await Dialer().connect(Origin.of(URL(url), proxy), seconds, lambda _: None)


async def asked(connection: Connection) -> bytes:
    """Return what the server says to a request, and close."""
    connection.send(b"GET /hello HTTP/1.1\r\nHost: x\r\n", None, seconds=10.0)
    await connection.begun()
    answer = await connection.read()
    connection.close()
    return answer


async def test_a_trusted_certificate_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever the machine trusts, or ``SSL_CERT_FILE`` names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with serving(tls=True) as port:
        assert await asked(await connected(f"https://localhost:{port}")) == b"GET /hello HTTP/1.1"


async def test_another_certificate_is_not() -> None:
    """The reason is told, and no request was sent."""
    async with serving(tls=True) as port:
        with pytest.raises(CertificateNotTrusted, match="self-signed"):
            await connected(f"https://localhost:{port}")


async def test_a_certificate_of_another_host_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much it is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with serving(tls=True, host="127.0.0.2") as port:
        with pytest.raises(CertificateNotTrusted, match=r"127\.0\.0\.2"):
            await connected(f"https://127.0.0.2:{port}")


async def test_a_server_without_tls_is_said_to_have_none() -> None:
    """Half a minute of silence would help nobody."""
    async with serving(bad_request) as port:
        with pytest.raises(CannotConnect):
            await connected(f"https://localhost:{port}")


async def test_a_proxy_opens_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told the host, its own user and nothing else; what follows is between the host and us."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with serving(tls=True) as port, proxying() as (proxy_port, heads):
        connection = await connected(f"https://localhost:{port}/v1", f"http://me:secret@127.0.0.1:{proxy_port}")
        assert await asked(connection) == b"GET /hello HTTP/1.1"
    (head,) = heads
    assert head.split("\r\n") == [
        f"CONNECT localhost:{port} HTTP/1.1",
        f"Host: localhost:{port}",
        "Proxy-Authorization: Basic bWU6c2VjcmV0",
        "",
        "",
    ]


async def test_a_proxy_is_asked_itself_for_what_it_may_read() -> None:
    """Without TLS there is no tunnel: the connection is to the proxy."""
    async with serving() as port:
        assert (
            await asked(await connected("http://gpu.invalid/v1", f"http://127.0.0.1:{port}")) == b"GET /hello HTTP/1.1"
        )


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"", b"HTTP/1.1"])
async def test_a_proxy_that_refuses_is_told_with_its_words(answer: bytes) -> None:
    """It is not the provider that does not answer."""
    async with proxying(answer) as (proxy_port, _):
        with pytest.raises(CannotConnect, match=r"proxy .*(407|closed)"):
            await connected("https://localhost:1/v1", f"http://127.0.0.1:{proxy_port}")


async def test_a_proxy_over_tls_is_not_known() -> None:
    """It is said so, rather than spoken to in the clear."""
    async with serving(tls=True) as port:
        with pytest.raises(CannotConnect, match="a proxy must be reached over http, not https"):
            await connected("http://x/", f"https://127.0.0.1:{port}")


async def test_nobody_there() -> None:
    """The system's own words."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(CannotConnect, match=r"^Connection refused$"):
        await connected(f"http://127.0.0.1:{port}")
    with pytest.raises(CannotConnect):
        await connected("http://no-such-host.invalid")


async def test_a_connection_that_does_not_stand_is_not_waited_for() -> None:
    """A server that takes the connection and then says nothing over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectingTooLong):
        await connected(f"https://127.0.0.1:{silent.getsockname()[1]}", seconds=0.1)


async def test_every_address_of_a_host_is_tried() -> None:
    """``localhost`` is ::1 as well, where nobody may listen."""
    async with serving() as port:
        assert await asked(await connected(f"http://localhost:{port}")) == b"GET /hello HTTP/1.1"
