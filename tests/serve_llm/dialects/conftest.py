"""The whole daemon in front of the little model at four providers, and clients of its socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from tests.fakes.scripted_server import ScriptedServer
from tests.serve_llm.dialects.little_model import KEY, LittleProvider
from tests.serve_llm.dialects.little_providers import PROVIDERS
from tests.serving import serving

CONFIGURATION = """
[llm.aliases]
fast = "openai/m-openai"

# The providers fail on purpose, often, and without end.
[llm.retries]
attempts = 1

[llm.circuit]
failures = 1000
"""


@dataclass
class Daemon:
    """A daemon with its four providers."""

    socket: str
    providers: dict[str, LittleProvider]

    def __getitem__(self, kind: str) -> LittleProvider:
        return self.providers[kind]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon() -> AsyncIterator[Daemon]:
    """Serve the little model from four providers."""
    providers: dict[str, LittleProvider] = {provider.kind: provider() for provider in PROVIDERS}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hecate-")))
        servers = {
            kind: await stack.enter_async_context(ScriptedServer(provider)) for kind, provider in providers.items()
        }
        tables = [
            f'[providers.{kind}]\nbase_url = "{server.url}"\napi_key = "{KEY}"\n'
            for kind, server in servers.items()
            if kind != "ollama"
        ]
        tables.append(CONFIGURATION)
        starting = serving(folder, servers["ollama"].url, configuration="".join(tables))
        child = await asyncio.to_thread(starting.__enter__)
        try:
            yield Daemon(str(child.socket_path), providers)
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)
