"""A gateway in front of a scripted provider, and calls of its endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import LlmSettings, ProviderSettings, Retries
from tests.fakes.scripted_server import Script, ScriptedServer
from tests.serve_llm.asking import OpenGateway, Serve

QUICK = Retries(first_wait_seconds=0.001)
"""As often as usual, without much ado."""


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
        providers: dict[str, ProviderSettings],
        llm: LlmSettings | None = None,
        environ: dict[str, str] | None = None,
    ) -> Gateway:
        # Ollama needs no configuration, so it would be there, and be looked for on this machine.
        sources = Sources(
            llm or LlmSettings(retries=QUICK), {"ollama": ProviderSettings(enabled=False), **providers}, environ or {}
        )
        return await stack.enter_async_context(Gateway(lambda: sources))

    return start
