"""The whole way over a Unix socket: who hangs up ends the provider's call, and no fault leaves anything behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hecate.serve_llm.settings import CircuitSettings, Deadlines, LlmSettings, ProviderSettings, Retries
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer, silent
from tests.serve_llm.asking import GIVE_UP_SECONDS, KEY, OpenGateway, Serve, provider_that, until, user_says
from tests.serve_llm.socket_daemon import Answered, SocketDaemon, leaves_nothing, serve_at

MODEL = "openai/m1"
NATIVE, OPENAI, ANTHROPIC, OLLAMA = "/api/llm/chat", "/v1/chat/completions", "/v1/messages", "/api/chat"
QUICK = Deadlines(connect_seconds=0.3, first_token_seconds=0.3, gap_seconds=0.3, total_seconds=1.0)
# What fails is asked twice; nothing that a test does makes the circuit open.
PATIENT = LlmSettings(retries=Retries(attempts=2, first_wait_seconds=0.001), circuit=CircuitSettings(failures=10_000))

Start = Callable[..., Any]


@pytest.fixture
def start(tmp_path: Path, serve: Serve, open_gateway: OpenGateway, stack: AsyncExitStack) -> Start:
    """Start daemons with one provider that acts as told."""

    async def started(act: Script, deadlines: Deadlines | None = None) -> tuple[SocketDaemon, ScriptedServer]:
        provider = await serve(provider_that(act))
        settings = ProviderSettings(base_url=provider.url, api_key=KEY, deadlines=deadlines)
        gateway = await open_gateway({"openai": settings}, PATIENT)
        await gateway.models()
        return await serve_at(tmp_path / "s", gateway, stack), provider

    return started


def asked_of(target: str) -> dict[str, Any]:
    """Return the body of a streamed chat, with what the dialect at *target* insists on."""
    body = user_says(model=MODEL, stream=True)
    return body | {"max_tokens": 9} if target == ANTHROPIC else body


def says(text: str) -> dict[str, Any]:
    """Return a chunk in which the model says *text*."""
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


async def speaks_and_waits(exchange: Exchange) -> None:
    """Say something, then nothing until the caller is gone."""
    await exchange.begin()
    await exchange.event(says("Hello"))
    await exchange.gone.wait()


async def busy(exchange: Exchange) -> None:
    """Refuse for now."""
    await exchange.answer({"error": {"message": "busy"}}, 503, Retry_After="4")


# -- leaving


@pytest.mark.parametrize("target", [NATIVE, OPENAI])
@pytest.mark.parametrize(
    ("script", "stream"),
    [(speaks_and_waits, True), (silent, True), (silent, False)],
    ids=["in mid-stream", "before the first token", "not streamed"],
)
async def test_hanging_up(script: Script, stream: bool, target: str, start: Start) -> None:  # noqa: FBT001
    """Ten clients hang up; ten calls end at the provider, and no task is left."""
    daemon, provider = await start(script)
    tasks = len(asyncio.all_tasks())
    connections = [await daemon.send(user_says(model=MODEL, stream=stream), target) for _ in range(10)]
    await until(lambda: len(provider.posts) == 10)
    if script is speaks_and_waits:
        for reader, _ in connections:
            await reader.readuntil(b"Hello")
    for _, writer in connections:
        writer.transport.abort()
    await until(lambda: all(exchange.gone.is_set() for exchange in provider.posts))
    await until(lambda: provider.open <= 1 and len(asyncio.all_tasks()) <= tasks)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_hanging_up_between_two_attempts(stream: bool, start: Start) -> None:  # noqa: FBT001
    """Who leaves while the daemon waits for another attempt, is not asked for."""
    daemon, provider = await start(busy)
    tasks = len(asyncio.all_tasks())
    connections = [await daemon.send(user_says(model=MODEL, stream=stream)) for _ in range(10)]
    await until(lambda: len(provider.posts) == 10)
    for _, writer in connections:
        writer.transport.abort()
    await until(lambda: len(asyncio.all_tasks()) <= tasks + 2 * provider.open)
    assert len(provider.posts) == 10


@pytest.mark.parametrize("target", [NATIVE, OPENAI, ANTHROPIC, OLLAMA])
async def test_a_thousand_leave_in_mid_stream(target: str, start: Start) -> None:
    """Tasks, files and objects are those from before."""
    daemon, provider = await start(speaks_and_waits)
    body = asked_of(target)

    async def leave() -> None:
        reader, writer = await daemon.send(body, target)
        await reader.readuntil(b"Hello")
        writer.transport.abort()

    async def many(rounds: int) -> None:
        for _ in range(rounds):
            await asyncio.gather(*(leave() for _ in range(50)))
            await until(lambda: provider.open <= 1)

    await leaves_nothing(lambda: many(20), warmed=lambda: many(1))
    assert len(provider.posts) == 1050


# -- faults


class Fault(NamedTuple):
    """A fault before the answer begins, and what is to come of it."""

    act: Script
    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def answering(status: int, body: Any, **headers: str) -> Script:
    """Return a script that answers so."""
    return lambda exchange: exchange.answer(body, status, **headers)


async def breaks_off(exchange: Exchange) -> None:
    """Reset the connection in the middle of a body of known length."""
    await exchange.raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"choices"')
    exchange.reset()


async def never_ends(exchange: Exchange) -> None:
    """Send a body without an end, of which nothing is an answer."""
    await exchange.begin("application/json")
    while True:
        await exchange.piece(b" " * 1_000_000)


ERROR = "provider_error"
FAULTS = {
    "silent": Fault(silent, 504, ERROR, "openai at http"),
    "reset in mid-body": Fault(breaks_off, 502, ERROR, "closed the connection before its answer was complete"),
    "half a JSON": Fault(answering(200, b'{"choices": [{"mess'), 502, ERROR, "cannot be read"),
    "invalid UTF-8": Fault(
        answering(200, b'{"choices": [{"message": {"content": "\xff"}}]}'), 502, ERROR, "cannot be read"
    ),
    "an HTML page": Fault(
        answering(502, "<html><title>Bad gateway</title></html>", media_type="text/html"), 502, ERROR, "(Bad gateway)"
    ),
    "401": Fault(answering(401, {"error": {"message": f"wrong key {KEY}"}}), 502, ERROR, "wrong key ***"),
    "403": Fault(answering(403, {"error": {"message": "not in your country"}}), 502, ERROR, "not in your country"),
    "404": Fault(
        answering(404, {"error": {"message": "The model `m1` does not exist", "code": "model_not_found"}}),
        404,
        "model_not_found",
        "`m1` does not exist",
    ),
    "429": Fault(
        answering(429, {"error": {"message": "slow down"}}, Retry_After="7"),
        429,
        ERROR,
        "slow down",
        (("retry-after", "7"),),
    ),
    "500": Fault(answering(500, {"error": {"message": "out of cheese"}}), 502, ERROR, "out of cheese"),
    "529": Fault(answering(529, {"error": {"message": "Overloaded"}}), 502, ERROR, "Overloaded"),
    "endless": Fault(never_ends, 502, ERROR, "more than"),
}

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both
@pytest.mark.parametrize("name", FAULTS)
async def test_faults_before_the_answer(name: str, stream: bool, start: Start) -> None:  # noqa: FBT001
    """Each ends within its deadline in its own status and code, in the provider's words, and leaves nothing."""
    fault = FAULTS[name]
    daemon, provider = await start(fault.act, QUICK)

    async def fails() -> Answered:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            answer: Answered = await daemon.ask(user_says(model=MODEL, stream=stream))
        assert (answer.status, answer.json["code"]) == (fault.status, fault.code), answer
        assert fault.message in answer.json["error"]
        assert KEY not in answer.body.decode()
        assert set(fault.headers) <= set(answer.headers.items())
        await until(lambda: provider.open <= 1)
        return answer

    await leaves_nothing(fails, warmed=fails)


@both
async def test_nobody_there(
    stream: bool,  # noqa: FBT001
    tmp_path: Path,
    open_gateway: OpenGateway,
    stack: AsyncExitStack,
) -> None:
    """A refused connection is a 502 that says so."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    gateway = await open_gateway({"openai": ProviderSettings(base_url=url)}, PATIENT)
    daemon = await serve_at(tmp_path / "s", gateway, stack)
    answer = await daemon.ask(user_says(model=MODEL, stream=stream))
    assert (answer.status, answer.json["code"]) == (502, ERROR)
    assert "Connection refused" in answer.json["error"]


async def resets(exchange: Exchange) -> None:
    """Break the connection off."""
    exchange.reset()


async def comments(exchange: Exchange) -> None:
    """Say for ever that there will be something."""
    while not exchange.gone.is_set():
        await exchange.piece(": still processing\n\n")
        await asyncio.sleep(0.02)


async def chatters(exchange: Exchange) -> None:
    """Go on for ever in one line."""
    while not exchange.gone.is_set():
        await exchange.piece(b"x" * 1_000_000)


def event(data: Any) -> Script:
    """Return a script that sends an event and ends."""

    async def act(exchange: Exchange) -> None:
        await exchange.event(data)
        await exchange.end()

    return act


IN_MID_STREAM: dict[str, tuple[Script, str]] = {
    "reset": (resets, "closed the connection"),
    "silent": (silent, "nothing for too long"),
    "comments only": (comments, "openai at http"),
    "an error event": (event({"error": {"message": f"overloaded, key {KEY}"}}), "overloaded, key ***"),
    "half a JSON": (event('{"choices": [{"del'), "cannot be read"),
    "invalid UTF-8": (lambda x: x.piece(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'), "cannot be read"),
    "no end mark": (lambda x: x.end(), "ended its answer in the middle"),
    "an endless line": (chatters, "openai at http"),
}


@pytest.mark.parametrize("name", IN_MID_STREAM)
async def test_faults_in_mid_stream(name: str, start: Start) -> None:
    """What was said stays said; then an error, in the provider's words, is the last event, and nothing is left."""
    act, message = IN_MID_STREAM[name]

    async def begins(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(says("Hel"))
        await act(exchange)

    daemon, provider = await start(begins, QUICK)

    async def fails() -> None:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            answer: Answered = await daemon.ask(user_says(model=MODEL, stream=True))
        first, *_, last = answer.events
        assert (answer.status, first["content"]) == (200, "Hel")
        assert set(last) == {"error", "code", "done"}
        assert (last["code"], last["done"]) == (ERROR, True)
        assert message in last["error"]
        assert KEY not in answer.body.decode()
        await until(lambda: provider.open <= 1)

    await leaves_nothing(fails, warmed=fails)


@pytest.mark.parametrize("target", [OPENAI, ANTHROPIC, OLLAMA])
@pytest.mark.parametrize("name", ["429", "500", "half a JSON", "silent"])
async def test_faults_in_other_dialects(name: str, target: str, start: Start) -> None:
    """In each the error has the dialect's own shape, with the provider's words; a limit says when to come again."""
    fault = FAULTS[name]
    daemon, _ = await start(fault.act, QUICK)
    async with asyncio.timeout(GIVE_UP_SECONDS):
        answer: Answered = await daemon.ask(asked_of(target), target)
    said = answer.json["error"] if target == OLLAMA else answer.json["error"]["message"]
    assert answer.status >= 400
    assert fault.message in said
    assert set(fault.headers) <= set(answer.headers.items())
