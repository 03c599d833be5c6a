"""Whatever a provider does, a chat ends in the right error, within its deadline, with nothing left open."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import aiohttp
import pytest

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderLimited, ProviderRefused, ProviderSlow
from hecate.serve_llm.faults import failure_of
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.settings import Deadlines, ProviderSettings, Retries
from tests.fakes.scripted_server import Exchange, Script, silent
from tests.serve_llm.asking import (
    KEY,
    OpenGateway,
    Serve,
    chat,
    chat_stream,
    provider_that,
    streamed_chat,
    text_of,
    until,
)

QUICK = Deadlines(connect_seconds=0.2, first_token_seconds=0.2, gap_seconds=0.2, total_seconds=2.0)
MODEL = "openai/m1"


def says(text: str) -> dict[str, Any]:
    """Return a chunk in which the model says *text*."""
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


async def fails(
    act: Script, serve: Serve, open_gateway: OpenGateway, *, stream: bool, deadlines: Deadlines = QUICK, **body: Any
) -> HecateError:
    """Return what a chat raises when the provider acts as told; nothing stays connected."""
    server = await serve(provider_that(act))
    settings = ProviderSettings(base_url=server.url, api_key=KEY, deadlines=deadlines)
    gateway = await open_gateway({"openai": settings})
    await gateway.models()
    with pytest.raises(HecateError) as caught:
        await (streamed_chat if stream else chat)(gateway, model=MODEL, **body)
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.envelope())
    return caught.value


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both
@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"error": {"message": "bad temperature"}}, ProviderRefused, "openai answered 400: bad temperature"),
        (401, {"error": {"message": f"wrong key {KEY}"}}, ProviderRefused, "wrong key ***"),
        (403, {"error": "forbidden"}, ProviderRefused, "answered 403: forbidden"),
        (404, {"error": {"message": "The model `m1` does not exist"}}, ModelNotFound, "`m1` does not exist"),
        (404, "<html><title>404 Not Found</title></html>", ProviderRefused, "an HTML page (404 Not Found)"),
        (500, {"error": {"message": "out of cheese"}}, ProviderFailed, "out of cheese"),
        (502, "<!DOCTYPE html><title>Bad\ngateway</title>", ProviderFailed, "an HTML page (Bad gateway)"),
        (503, "", ProviderFailed, "answered 503: nothing"),
        (504, "upstream timed out", ProviderSlow, "upstream timed out"),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            ProviderFailed,
            "Over",
        ),
        (302, "", ProviderRefused, "answered 302"),
    ],
)
async def test_refusals(  # noqa: PLR0917
    status: int,
    body: Any,
    kind: type[ProviderFailed],
    message: str,
    stream: bool,  # noqa: FBT001
    serve: Serve,
    open_gateway: OpenGateway,
) -> None:
    """A refusal keeps the provider's own words, and its meaning decides the code."""
    error = await fails(lambda exchange: exchange.answer(body, status), serve, open_gateway, stream=stream)
    assert type(error) is kind
    assert message in str(error)


async def test_wrong_address(serve: Serve, open_gateway: OpenGateway) -> None:
    """A web page where the API should be is told with its address, since that is what is wrong."""
    page = "<html><title>It works!</title></html>"
    error = await fails(lambda x: x.answer(page, media_type="text/html"), serve, open_gateway, stream=True)
    assert "/chat/completions answered 200: an HTML page (It works!)" in str(error)


def test_certificate() -> None:
    """A certificate that is not trusted is told with the reason."""
    account = Account(name="openai", kind="openai", base_url="https://127.0.0.1")
    key: Any = None
    refused = aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError("self-signed certificate"))
    assert "not trusted: ('self-signed certificate',)" in str(failure_of(refused, account, 1.0))


async def test_no_http(serve: Serve, open_gateway: OpenGateway) -> None:
    """A server of another sort is no bug of ours."""
    error = await fails(lambda x: x.raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), serve, open_gateway, stream=False)
    assert type(error) is ProviderFailed


@both
async def test_limit(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """A provider that limits is a 429 with the wait that it asks for."""
    error = await fails(
        lambda exchange: exchange.answer({"error": {"message": "slow down"}}, 429, Retry_After="7"),
        serve,
        open_gateway,
        stream=stream,
    )
    assert isinstance(error, ProviderLimited)
    assert error.status == 429
    assert error.headers == {"Retry-After": "7"}


@both
async def test_nobody_there(stream: bool, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """A provider that refuses connections is a 502 that says so."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gateway = await open_gateway({"openai": ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1")})
    with pytest.raises(ProviderFailed, match="does not answer: Connection refused") as caught:
        await (streamed_chat if stream else chat)(gateway, model=MODEL)
    assert caught.value.status == 502


@both
async def test_silence(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """A provider that says nothing is a 504 once the deadline has passed."""
    deadlines = Deadlines(first_token_seconds=0.1, total_seconds=0.2)
    error = await fails(silent, serve, open_gateway, stream=stream, deadlines=deadlines)
    assert isinstance(error, ProviderSlow)
    assert error.status == 504


async def test_timeout_of_the_request(serve: Serve, open_gateway: OpenGateway) -> None:
    """The request's own timeout counts, not the configured one."""
    error = await fails(silent, serve, open_gateway, stream=False, timeout_seconds=0.1)
    assert "has taken longer than 0.1 s" in str(error)


@both
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_hang_up_before_the_answer(
    reset: bool,  # noqa: FBT001
    stream: bool,  # noqa: FBT001
    serve: Serve,
    open_gateway: OpenGateway,
) -> None:
    """A connection that ends before the answer is made once more in each attempt, since it may have been an old one."""
    tries = 0

    async def hang_up(exchange: Exchange) -> None:
        nonlocal tries
        tries += 1
        (exchange.reset if reset else exchange.hang_up)()

    error = await fails(hang_up, serve, open_gateway, stream=stream)
    assert "closed the connection" in str(error)
    assert tries == 2 * Retries().attempts


async def test_old_connection_is_no_failure(serve: Serve, open_gateway: OpenGateway) -> None:
    """A kept connection that the provider has closed meanwhile is replaced without a word."""
    hung_up = False

    async def act(exchange: Exchange) -> None:
        nonlocal hung_up
        if not hung_up:
            hung_up = True
            exchange.hang_up()
        else:
            await exchange.answer({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})

    server = await serve(provider_that(act))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url)})
    assert (await chat(gateway, model=MODEL))["content"] == "hi"


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [{"message": {"content": "Hel',
        b'{"choices": [{"message": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": 5}, "finish_reason": "stop"}]}',
        b"[]",
        b"",
        b"<html><title>Log in to the hotel's network</title></html>",
        b'{"choices": [{"message": {"content": "Hel"}}]}',
        b'{"choices": []}',
    ],
)
async def test_nonsense(body: bytes, serve: Serve, open_gateway: OpenGateway) -> None:
    """An answer that cannot be read is a 502, not a bug and not half an answer."""
    error = await fails(lambda exchange: exchange.answer(body), serve, open_gateway, stream=False)
    assert type(error) is ProviderFailed


async def test_half_a_body(serve: Serve, open_gateway: OpenGateway) -> None:
    """A body that breaks off before its announced length is a 502."""

    async def act(exchange: Exchange) -> None:
        await exchange.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"choices"')
        exchange.hang_up()

    error = await fails(act, serve, open_gateway, stream=False)
    assert "before its answer was complete" in str(error)


async def test_endless_body(serve: Serve, open_gateway: OpenGateway) -> None:
    """A body without an end stops at a limit, or at the deadline."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin("application/json")
        while True:
            await exchange.piece(b" " * 1_000_000)

    error = await fails(act, serve, open_gateway, stream=False)
    assert isinstance(error, ProviderFailed)


async def breaks_off(and_then: Script, serve: Serve, open_gateway: OpenGateway) -> dict[str, Any]:
    """Return the last chunk of a stream whose provider says "Hel", then acts as told."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(says("Hel"))
        await and_then(exchange)

    server = await serve(provider_that(act))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url, api_key=KEY, deadlines=QUICK)})
    chunks = await streamed_chat(gateway, model=MODEL)
    assert text_of(chunks) == "Hel"
    assert set(chunks[-1]) == {"error", "code", "done"}
    assert chunks[-1]["done"]
    assert KEY not in str(chunks)
    return chunks[-1]


async def test_reset_in_mid_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream that is reset ends in an error chunk."""

    async def act(exchange: Exchange) -> None:
        exchange.reset()

    assert "closed the connection" in (await breaks_off(act, serve, open_gateway))["error"]


async def test_silence_in_mid_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream in which nothing comes any more ends in an error chunk after the gap's deadline."""
    assert "nothing for too long" in (await breaks_off(silent, serve, open_gateway))["error"]


async def test_comments_are_no_answer(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream that is kept alive by comments alone ends after the gap's deadline too."""

    async def act(exchange: Exchange) -> None:
        while not exchange.gone.is_set():
            await exchange.piece(": still processing\n\n")
            await asyncio.sleep(0.02)

    assert (await breaks_off(act, serve, open_gateway))["code"] == "provider_error"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"error": {"message": f"overloaded, key {KEY}"}}, "openai broke off: overloaded, key ***"),
        ({"object": "error", "message": "out of memory", "code": 500}, "out of memory"),
        ("not JSON", "cannot be read"),
        ('{"choices": [{"delta"', "cannot be read"),
    ],
)
async def test_bad_events_in_mid_stream(event: Any, message: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """An event that is an error, or nonsense, ends the stream in an error chunk."""
    assert message in (await breaks_off(lambda exchange: exchange.event(event), serve, open_gateway))["error"]


async def test_stream_without_an_end(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream that ends before the model has said why is no success."""
    assert "ended its answer in the middle" in (await breaks_off(lambda x: x.end(), serve, open_gateway))["error"]


async def test_forgotten_end_mark(serve: Serve, open_gateway: OpenGateway) -> None:
    """A model that has finished has finished, though the provider forgets to end the stream."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(says("Hel"))
        await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await exchange.end()

    server = await serve(provider_that(act))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url)})
    assert (await streamed_chat(gateway, model=MODEL))[-1]["finish_reason"] == "stop"


async def test_failure_before_the_first_piece_is_no_stream(serve: Serve, open_gateway: OpenGateway) -> None:
    """An error event before any text rises, so that it becomes an HTTP status."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event({"error": {"message": "no capacity"}})
        await exchange.end()

    error = await fails(act, serve, open_gateway, stream=True)
    assert "no capacity" in str(error)


async def test_nothing_is_left(serve: Serve, open_gateway: OpenGateway) -> None:
    """Streams that break off, or are left, leave no connection and no task."""

    async def act(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(says("Hel"))
        await exchange.gone.wait()

    server = await serve(provider_that(act))
    gateway = await open_gateway({"openai": ProviderSettings(base_url=server.url)})
    await gateway.models()

    async def leave() -> None:
        stream = await chat_stream(gateway, model=MODEL)
        await anext(stream.pieces)
        await stream.pieces.aclose()

    await leave()
    tasks = len(asyncio.all_tasks())
    await asyncio.gather(*(leave() for _ in range(100)))
    await until(lambda: server.open <= 1 and len(asyncio.all_tasks()) <= tasks)
