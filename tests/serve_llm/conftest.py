"""A gateway in front of a scripted provider, and calls of its endpoints."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from hecate.endpoints import Call, Result, Route, Services
from hecate.rest.body import decode_body
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Script, ScriptedServer

KEY = "sk-test-0123456789abcdef"


class Serve(Protocol):
    """Starts a provider that follows a script; it stops with the test."""

    def __call__(self, script: Script) -> Awaitable[ScriptedServer]: ...


class OpenGateway(Protocol):
    """Opens a gateway in front of the given providers only; it closes with the test."""

    def __call__(
        self, llm: LlmSettings | None = None, environ: dict[str, str] | None = None, **providers: ProviderSettings
    ) -> Awaitable[Gateway]: ...


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is closed at the end of the test, last opened first."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack: AsyncExitStack) -> Serve:
    """Start scripted providers."""

    async def start(script: Script) -> ScriptedServer:
        return await stack.enter_async_context(ScriptedServer(script))

    return start


@pytest.fixture
def open_gateway(stack: AsyncExitStack) -> OpenGateway:
    """Open gateways."""

    async def start(
        llm: LlmSettings | None = None, environ: dict[str, str] | None = None, **providers: ProviderSettings
    ) -> Gateway:
        # Ollama needs no configuration, so it would be there, and be looked for on this machine.
        sources = Sources(
            llm or LlmSettings(), {"ollama": ProviderSettings(enabled=False), **providers}, environ or {}
        )
        return await stack.enter_async_context(Gateway(lambda: sources))

    return start


async def ask(gateway: Gateway, route: Route, body: Any = None) -> Result:
    """Return what *route* answers to *body*, as the REST layer would ask it."""
    raw = b"" if body is None else json.dumps(body).encode()
    decoded, warnings = (None, []) if route.body is None else decode_body(route.body, raw, may_be_absent=False)
    services = Services()
    services.add(gateway)
    return await route.call(Call({}, None, decoded, raw, {}, None, "request", services, warnings))


def user_says(text: str = "Hello!", **more: Any) -> dict[str, Any]:
    """Return the body of a chat in which the user says *text*."""
    return {"model": "m1", "messages": [{"role": "user", "content": text}], **more}


Chunks = list[dict[str, Any]]
Collect = Callable[[Result], Awaitable[Chunks]]
