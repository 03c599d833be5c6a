"""``POST /api/llm/providers/reload``: new settings are used from now on; running chats end as they began."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.reload_providers import ROUTES
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange
from tests.serve_llm.asking import Serve, ask, chat, chat_stream, provider_that, until

(RELOAD,) = ROUTES
OFF = ProviderSettings(enabled=False)


class Configuration:
    """Settings that change under way."""

    def __init__(self, **providers: ProviderSettings) -> None:
        self.llm = LlmSettings()
        self.providers: dict[str, ProviderSettings] = {"ollama": OFF, **providers}

    def read(self) -> Sources:
        """Return the settings as they are now."""
        return Sources(self.llm, dict(self.providers), {})


async def reload(gateway: Gateway) -> dict[str, Any]:
    """Return what the endpoint answers."""
    answer: Any = await ask(gateway, RELOAD)
    return dict(answer)


async def says_its_key(exchange: Exchange) -> None:
    """Answer with the key that came with the request."""
    key = exchange.headers.get("authorization", "none")
    await exchange.answer({"choices": [{"message": {"content": key}, "finish_reason": "stop"}]})


async def test_what_has_changed_is_told(serve: Serve, stack: AsyncExitStack) -> None:
    """Added, removed and changed providers are named; the others keep their state."""
    server = await serve(provider_that(says_its_key))
    configuration = Configuration(
        kept=ProviderSettings(base_url=server.url),
        gone=ProviderSettings(base_url=server.url),
        rekeyed=ProviderSettings(base_url=server.url, api_key="one"),
    )
    gateway = await stack.enter_async_context(Gateway(configuration.read))
    await gateway.models()
    before = await gateway.shelves()
    del configuration.providers["gone"]
    configuration.providers["new"] = ProviderSettings(base_url=server.url)
    configuration.providers["rekeyed"] = ProviderSettings(base_url=server.url, api_key="two")
    answer = await reload(gateway)
    health = answer.pop("health")
    assert {name: found.status for name, found in health.items()} == dict.fromkeys(health, "healthy")
    assert answer == {
        "providers_loaded": ("kept", "rekeyed", "new"),
        "providers": ("kept", "rekeyed", "new"),
        "added": ("new",),
        "removed": ("gone",),
        "changed": ("rekeyed",),
        "changed_settings": {"rekeyed": ("api_key",)},
    }
    assert (await gateway.shelves())["kept"] is before["kept"]
    assert (await chat(gateway, model="rekeyed/m"))["content"] == "Bearer two"


async def test_environment_file_is_read_again(serve: Serve, stack: AsyncExitStack, tmp_path: Path) -> None:
    """A key that is written to the environment file later is used after a reload."""
    server = await serve(provider_that(says_its_key))
    file = tmp_path / "env"
    file.write_text(f"OPENAI_BASE_URL={server.url}\n")
    configuration = Configuration()
    configuration.llm = LlmSettings(environment_file=str(file))
    gateway = await stack.enter_async_context(Gateway(configuration.read))
    assert (await chat(gateway, model="openai/m"))["content"] == "none"
    file.write_text(f"OPENAI_BASE_URL={server.url}\nOPENAI_API_KEY=new\n")
    assert (await reload(gateway))["changed"] == ("openai",)
    assert (await chat(gateway, model="openai/m"))["content"] == "Bearer new"


async def test_provider_is_looked_at_again(serve: Serve, stack: AsyncExitStack) -> None:
    """A provider that was ill, and has been put right since, is healthy after a reload."""
    ill = True

    async def script(exchange: Exchange) -> None:
        await exchange.answer({"data": []}, 500 if ill else 200)

    configuration = Configuration(one=ProviderSettings(base_url=(await serve(script)).url))
    gateway = await stack.enter_async_context(Gateway(configuration.read))
    await gateway.models()
    ill = False
    await reload(gateway)
    await until(lambda: gateway._in_use.catalogue.shelves["one"].status == "healthy")


async def test_wrong_configuration_changes_nothing(serve: Serve, stack: AsyncExitStack) -> None:
    """A reload that cannot be is refused, and everything goes on as before."""
    server = await serve(provider_that(says_its_key))
    configuration = Configuration(one=ProviderSettings(base_url=server.url))
    gateway = await stack.enter_async_context(Gateway(configuration.read))
    configuration.providers["two"] = ProviderSettings(kind="telepathy")
    with pytest.raises(Invalid):
        await reload(gateway)
    assert gateway.configured == ("one",)
    assert (await chat(gateway, model="one/m"))["content"] == "none"


async def test_running_chat_goes_on(serve: Serve, stack: AsyncExitStack) -> None:
    """A chat that is under way is not disturbed when its provider goes."""

    async def in_two_parts(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
        await reloaded.wait()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]})
        await exchange.event("[DONE]")
        await exchange.end()

    reloaded = asyncio.Event()
    configuration = Configuration(one=ProviderSettings(base_url=(await serve(provider_that(in_two_parts))).url))
    gateway = await stack.enter_async_context(Gateway(configuration.read))
    stream = await chat_stream(gateway, model="one/m")
    async with aclosing(stream.pieces) as pieces:
        first = await anext(pieces)
        configuration.providers.clear()
        configuration.providers["ollama"] = OFF
        assert (await reload(gateway))["removed"] == ("one",)
        reloaded.set()
        rest = b"".join([piece async for piece in pieces])
    assert b"Hel" in first
    assert b'"lo"' in rest
    assert b"[DONE]" in rest
