"""A real daemon, a scripted provider behind it, and the command line in front."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from hecate.client import Client
from hecate.daemon.cli import CLI
from tests.daemon.child import Child
from tests.fakes.scripted_server import Exchange, ScriptedServer
from tests.serving import serving


class Hecate(Protocol):
    """Runs the command line in this process; its output is not a terminal."""

    def __call__(self, *words: str, stdin: str | bytes | None = None, exit_code: int = 0) -> Result:
        """Run it with *words*, and expect *exit_code*."""


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedServer]:
    """A provider that speaks OpenAI's API, and says again what it was asked."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedServer(_echo)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="session")
def daemon(provider: ScriptedServer) -> Iterator[Child]:
    """``hecate serve`` as a process of its own, with that provider."""
    # It fails on purpose, and is not to be left alone for that.
    configuration = f"""
        [llm.circuit]
        failures = 1000
        [llm.retries]
        attempts = 1
        [providers.openai]
        base_url = "{provider.url}/v1"
        api_key = "sk-test"
    """
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(Path(folder), configuration=configuration) as child,
    ):
        yield child


@pytest.fixture
def client(daemon: Child) -> Iterator[Client]:
    """A client of the daemon."""
    with Client(daemon.socket_path) as client:
        yield client


@pytest.fixture
def hecate(daemon: Child) -> Hecate:
    """The command line, calling the daemon."""

    def run(*words: str, stdin: str | bytes | None = None, exit_code: int = 0) -> Result:
        environ = {"HECATE_SOCKET": str(daemon.socket_path), "HECATE_MODEL": None}
        result = CliRunner().invoke(CLI, words, input=stdin, env=environ, prog_name="hecate")
        assert result.exit_code == exit_code, (result.output, result.exc_info)
        return result

    return run


async def _echo(exchange: Exchange) -> None:
    if exchange.path.endswith("/models"):
        await exchange.answer({"object": "list", "data": [{"id": "parrot", "object": "model"}]})
        return
    request = exchange.json()
    contents = [message["content"] for message in request["messages"]]
    said = " | ".join(contents)
    if "fail" in contents[-1]:
        await exchange.answer({"error": {"message": "the parrot is asleep"}}, 500)
    elif request.get("stream"):
        await _stream(exchange, said, ends="wait" not in contents[-1])
    else:
        message = {"role": "assistant", "content": said}
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        await exchange.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})


async def _stream(exchange: Exchange, said: str, *, ends: bool) -> None:
    await exchange.begin()
    for word in said.split(" "):
        await exchange.event({"choices": [{"index": 0, "delta": {"content": f"{word} "}}]})
    if not ends:
        await exchange.gone.wait()
        return
    await exchange.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    await exchange.event("[DONE]")
    await exchange.end()
