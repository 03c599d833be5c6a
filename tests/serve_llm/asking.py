"""Calls of the gateway's endpoints, as the REST layer makes them, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from hecate.endpoints import Call, Raw, Result, Route, Services, Stream
from hecate.rest.body import decode_body
from hecate.serve_llm.chat import ROUTES as CHAT_ROUTES
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer

KEY = "sk-test-0123456789abcdef"
GIVE_UP_SECONDS = 45.0
"""How long is waited for what must come: only a failure takes so long, however busy the machine is."""


class Serve(Protocol):
    """Starts a provider that follows a script; it stops with the test."""

    def __call__(self, script: Script) -> Awaitable[ScriptedServer]: ...


class OpenGateway(Protocol):
    """Opens a gateway in front of the given providers only; it closes with the test."""

    def __call__(
        self,
        providers: dict[str, ProviderSettings],
        llm: LlmSettings | None = None,
        environ: dict[str, str] | None = None,
    ) -> Awaitable[Gateway]: ...


async def ask(gateway: Gateway, route: Route, body: Any = None, path: Mapping[str, str] | None = None) -> Result:
    """Return what *route* answers to *body*, as the REST layer would ask it."""
    raw = b"" if body is None else json.dumps(body).encode()
    decoded, warnings = (None, []) if route.body is None else decode_body(route.body, raw, may_be_absent=False)
    services = Services()
    services.add(gateway)
    return await route.call(Call(path or {}, None, decoded, raw, {}, None, "request", services, warnings))


def user_says(text: str = "Hello!", **more: Any) -> dict[str, Any]:
    """Return the body of a chat in which the user says *text*."""
    return {"model": "m1", "messages": [{"role": "user", "content": text}], **more}


(CHAT,) = CHAT_ROUTES


async def chat(gateway: Gateway, **body: Any) -> dict[str, Any]:
    """Return the whole answer to a chat."""
    result = await ask(gateway, CHAT, {**user_says(), **body})
    assert isinstance(result, Raw)
    answer: dict[str, Any] = json.loads(result.body)
    return answer


async def chat_stream(gateway: Gateway, **body: Any) -> Stream:
    """Return the stream of a chat, of which nothing has been asked yet."""
    result = await ask(gateway, CHAT, {**user_says(), **body, "stream": True})
    assert isinstance(result, Stream)
    return result


async def streamed_chat(gateway: Gateway, **body: Any) -> list[dict[str, Any]]:
    """Return all the chunks of a streamed chat; the end mark is checked and left out."""
    stream = await chat_stream(gateway, **body)
    async with aclosing(stream.pieces) as pieces:
        lines = b"".join([piece async for piece in pieces]).decode("ascii").split("\n\n")
    assert lines.pop() == ""
    if lines[-1] == "data: [DONE]":
        lines.pop()
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def text_of(chunks: Sequence[dict[str, Any]]) -> str:
    """Return the text that *chunks* add up to."""
    return "".join(chunk.get("content", "") for chunk in chunks)


def provider_that(act: Script) -> Script:
    """Return the script of a provider that lists no models, and acts as told when it is to chat."""

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.answer({"data": []})
        else:
            await act(exchange)

    return script


async def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds* does, as long as a busy machine might need."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for is at the other end of a socket
            await asyncio.sleep(0.005)
