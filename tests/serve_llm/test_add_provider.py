"""Providers come and go while the daemon runs, each after it was seen to answer, and stay so."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hecate.dossiers.errors import HecateError, Invalid, NotFound, Unavailable
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.add_provider import ROUTES as ADD_ROUTES, NewProvider
from hecate.serve_llm.added_providers import FILE_NAME, AddedProviders
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.list_providers import ROUTES as LIST_ROUTES
from hecate.serve_llm.remove_provider import ROUTES as REMOVE_ROUTES
from hecate.serve_llm.settings import Deadlines, LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange, silent
from tests.serve_llm.asking import KEY, Serve, ask, chat, chat_stream

(ADD,) = ADD_ROUTES
(LIST,) = LIST_ROUTES
(REMOVE,) = REMOVE_ROUTES
OFF = ProviderSettings(enabled=False)
OLD_KEY = "sk-old-0123456789abcdef"


async def tells_its_key(exchange: Exchange) -> None:
    """Have one model, which says what key it was asked with; refuse to list it to a wrong key."""
    key = exchange.headers.get("authorization", "no key")
    if exchange.method == "POST":
        await exchange.answer({"choices": [{"message": {"content": key}, "finish_reason": "stop"}]})
    elif "wrong" in key:
        await exchange.answer({"error": {"message": f"bad key {key}"}}, 401)
    else:
        await exchange.answer({"data": [{"id": "m1"}]})


class House:
    """A gateway whose configuration and data stay when it is closed and opened again."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.file = folder / FILE_NAME
        self.hidden: list[str] = []
        self.sources = Sources(LlmSettings(), {"ollama": OFF}, {})
        self._stack = stack

    async def open(self) -> Gateway:
        """Return a gateway, as after a start."""
        added = AddedProviders(self.file)
        return await self._stack.enter_async_context(
            Gateway(lambda: self.sources, added=added, hide=self.hidden.extend)
        )


@pytest.fixture
def house(tmp_path: Path, stack: AsyncExitStack) -> House:
    """A house."""
    return House(tmp_path, stack)


def _as_json(result: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(result))


async def add(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    """Return what the endpoint answers."""
    answer: dict[str, Any] = _as_json(await ask(gateway, ADD, fields))
    return answer


async def remove(gateway: Gateway, name: str) -> dict[str, Any]:
    """Return what the endpoint answers."""
    answer: dict[str, Any] = _as_json(await ask(gateway, REMOVE, path={"name": name}))
    return answer


async def listed(gateway: Gateway) -> dict[str, Any]:
    """Return what the endpoint answers."""
    answer: dict[str, Any] = _as_json(await ask(gateway, LIST))
    return answer


async def test_a_provider_is_added(house: House, serve: Serve) -> None:
    """It is used at once and after the next start; its key goes into its file, and nowhere else."""
    server = await serve(tells_its_key)
    gateway = await house.open()
    answer = await add(gateway, name="mine", base_url=server.url, api_key=KEY, headers={"X-Team": "secret team"})
    provider = answer["provider"]
    assert not answer["replaced"]
    assert (provider["name"], provider["kind"], provider["origin"]) == ("mine", "openai", "added")
    assert (provider["health"]["status"], provider["health"]["models"], provider["has_key"]) == ("healthy", 1, True)
    assert provider["headers"] == ["X-Team"]
    for opened in (gateway, await house.open()):
        assert (await chat(opened, model="mine/m1"))["content"] == f"Bearer {KEY}"
        assert (await chat(opened, model="mine/m1"))["provider"] == "mine"
    shown = f"{answer} {await listed(gateway)} {NewProvider(name='x', api_key=KEY)}"
    assert KEY not in shown
    assert "secret team" not in shown
    assert {KEY, "secret team"} <= set(house.hidden)
    assert house.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("key", "deadlines", "message"),
    [("wrong-key-4711", Deadlines(), "mine was not added: mine answered 401"), ("slow", None, "within 0.1 s")],
)
async def test_what_does_not_answer_is_not_added(
    key: str, deadlines: Deadlines | None, message: str, house: House, serve: Serve
) -> None:
    """A wrong key and silence are told, and change nothing, unless that is wanted."""
    server = await serve(silent if deadlines is None else tells_its_key)
    house.sources = Sources(LlmSettings(deadlines=deadlines or Deadlines(list_seconds=0.1)), {"ollama": OFF})
    gateway = await house.open()
    with pytest.raises(ProviderFailed, match=message) as caught:
        await add(gateway, name="mine", base_url=server.url, api_key=key)
    assert key not in str(caught.value)
    assert not gateway.configured
    assert not house.file.exists()
    answer = await add(gateway, name="mine", base_url=server.url, api_key=key, even_if_ill=True)
    assert answer["provider"]["health"]["status"] == "unhealthy"
    assert gateway.configured == ("mine",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "groq"}, "provider 'groq' needs an api_key"),
        ({"name": "mine"}, "provider 'mine' needs a base_url"),
        ({"name": "mine", "base_url": "ftp://x"}, "begins with http:// or https://"),
        ({"name": "mine", "base_url": "http://169.254.169.254/latest"}, "never asked"),
        ({"name": "mine", "kind": "telepathy", "base_url": "http://x"}, "unknown kind 'telepathy'"),
        ({"name": "a/b", "base_url": "http://x"}, "name"),
        ({"name": "../etc", "base_url": "http://x"}, "name"),
        ({"name": "", "base_url": "http://x"}, "name"),
        ({"name": "mine", "base_url": "http://x", "api_key": "a\r\nX-Evil: 1"}, "api_key"),
        ({"name": "mine", "base_url": "http://x", "headers": {"A": "b\nc"}}, "headers"),
        ({"name": "mine", "base_url": "http://x", "headers": {"A:": "b"}}, "headers"),
    ],
)
async def test_what_is_wrong(fields: dict[str, Any], message: str, house: House) -> None:
    """Names, addresses and headers that are none, or lead astray, are refused in words."""
    gateway = await house.open()
    with pytest.raises(Invalid, match=message):
        await add(gateway, **fields, even_if_ill=True)
    assert gateway.configured == ()
    assert not house.file.exists()


async def test_what_is_added_wins(house: House, serve: Serve) -> None:
    """A key that is added stands in place of the configured one; what it does not say stays as configured."""
    server = await serve(tells_its_key)
    house.sources = Sources(
        LlmSettings(), {"ollama": OFF, "mine": ProviderSettings(base_url=server.url, api_key=OLD_KEY)}
    )
    gateway = await house.open()
    answer = await add(gateway, name="mine", api_key=KEY)
    assert answer["replaced"]
    assert (await chat(gateway, model="mine/m1"))["content"] == f"Bearer {KEY}"
    assert answer["provider"]["base_url"] == server.url


@pytest.mark.parametrize("configured", [True, False], ids=["configuration", "environment"])
async def test_a_key_is_not_sent_elsewhere(configured: bool, house: House, serve: Serve) -> None:  # noqa: FBT001
    """Whoever gives another address must give its key too: one that is configured was meant for the usual address."""
    server = await serve(tells_its_key)
    settings = ProviderSettings(api_key=OLD_KEY, headers={"X-Key": OLD_KEY})
    providers = {"ollama": OFF, **({"openai": settings} if configured else {})}
    house.sources = Sources(LlmSettings(), providers, {"OPENAI_API_KEY": OLD_KEY, "MINE_API_KEY": OLD_KEY})
    gateway = await house.open()
    await add(gateway, name="openai", base_url=server.url)
    await add(gateway, name="mine", base_url=server.url)
    for model in ("openai/m1", "mine/m1"):
        assert (await chat(gateway, model=model))["content"] == "no key"
    assert not [exchange for exchange in server.exchanges if OLD_KEY in str(exchange.headers)]


async def test_a_provider_is_removed(house: House, serve: Serve) -> None:
    """It is gone at once and stays so; who was added leaves no trace."""
    server = await serve(tells_its_key)
    gateway = await house.open()
    await add(gateway, name="mine", base_url=server.url)
    assert await remove(gateway, "mine") == {"removed": "mine", "providers": [], "warnings": []}
    with pytest.raises(ModelNotFound):
        await chat(gateway, model="mine/m1")
    assert (await house.open()).configured == ()
    assert house.file.read_bytes() == b"{}"
    with pytest.raises(NotFound, match="there is no provider 'mine'"):
        await remove(gateway, "mine")


async def test_what_is_configured_stays_away(house: House, serve: Serve) -> None:
    """A provider of the configuration comes back neither by a reload nor by a restart, but when it is added."""
    server = await serve(tells_its_key)
    house.sources = Sources(LlmSettings(), {"ollama": OFF, "mine": ProviderSettings(base_url=server.url, api_key=KEY)})
    gateway = await house.open()
    (warning,) = (await remove(gateway, "mine"))["warnings"]
    assert "still has mine" in warning
    await gateway.providers.reload()
    assert gateway.configured == (await house.open()).configured == ()
    assert (await listed(gateway))["removed"] == ["mine"]
    await add(gateway, name="mine")
    assert (await chat(gateway, model="mine/m1"))["content"] == f"Bearer {KEY}"
    assert (await listed(gateway))["removed"] == []


async def test_a_running_chat_is_not_disturbed(house: House, serve: Serve) -> None:
    """What a provider is writing while it is removed, it writes to the end."""
    removed = asyncio.Event()

    async def in_two_parts(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.answer({"data": []})
            return
        await exchange.begin()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
        await removed.wait()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]})
        await exchange.event("[DONE]")
        await exchange.end()

    gateway = await house.open()
    await add(gateway, name="mine", base_url=(await serve(in_two_parts)).url)
    stream = await chat_stream(gateway, model="mine/m1")
    async with aclosing(stream.pieces) as pieces:
        await anext(pieces)
        await remove(gateway, "mine")
        removed.set()
        rest = b"".join([piece async for piece in pieces])
    assert b'"lo"' in rest
    assert b"[DONE]" in rest


async def test_a_full_disk_changes_nothing(house: House, serve: Serve, tmp_path: Path) -> None:
    """What cannot be written down is not used either: after a restart it would be gone."""
    server = await serve(tells_its_key)
    gateway = await house.open()
    await add(gateway, name="mine", base_url=server.url)
    house.file.with_name(f"{FILE_NAME}.new").mkdir()  # Nothing can be written there.
    for change in (add(gateway, name="other", base_url=server.url), remove(gateway, "mine")):
        with pytest.raises(Unavailable, match="cannot write"):
            await change
    assert gateway.configured == ("mine",)
    assert await chat(gateway, model="mine/m1")


async def test_changes_come_one_after_the_other(house: House, serve: Serve) -> None:
    """Many who change at once lose none of their changes."""
    server = await serve(tells_its_key)
    gateway = await house.open()
    names = [f"p{number}" for number in range(10)]
    await asyncio.gather(*(add(gateway, name=name, base_url=server.url) for name in names), gateway.providers.reload())
    assert sorted(gateway.configured) == names
    assert sorted((await house.open()).configured) == names


async def test_the_list(house: House, serve: Serve) -> None:
    """Each provider with where it is from and how it is; every kind, with the variable that configures it."""
    server = await serve(tells_its_key)
    address = server.url.replace("http://", "http://user:password@")
    environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url}
    house.sources = Sources(LlmSettings(), {"ollama": ProviderSettings(base_url=address)}, environ)
    gateway = await house.open()
    answer = await listed(gateway)
    found = {provider["name"]: provider for provider in answer["providers"]}
    assert {name: provider["origin"] for name, provider in found.items()} == {
        "ollama": "configuration",
        "openai": "environment",
    }
    assert (found["openai"]["health"]["status"], found["openai"]["has_key"]) == ("healthy", True)
    assert (found["ollama"]["health"]["status"], found["ollama"]["has_key"]) == ("healthy", False)
    assert "password" not in str(answer)
    kinds = {kind["kind"]: kind for kind in answer["kinds"]}
    assert kinds["groq"]["key_variables"] == ["GROQ_API_KEY"]
    assert (kinds["groq"]["is_configured"], kinds["openai"]["is_configured"]) == (False, True)
    house.sources = Sources()
    assert (await listed(await house.open()))["providers"][0]["origin"] == "default"


async def test_a_spoilt_file_stops_a_reload(house: House) -> None:
    """It is told, and everything stays as it was."""
    gateway = await house.open()
    house.file.write_text("{")
    with pytest.raises(HecateError, match="not as Hecate writes it"):
        await gateway.providers.reload()
