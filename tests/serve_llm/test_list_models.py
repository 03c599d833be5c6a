"""``GET /api/llm/models`` and the routing by what it lists: at once, however dead a provider is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.list_models import ROUTES
from hecate.serve_llm.settings import Deadlines, LlmSettings, ProviderSettings
from tests.fakes.scripted_server import Exchange, ScriptedServer, silent
from tests.serve_llm.asking import GIVE_UP_SECONDS, OpenGateway, Serve, ask

(MODELS,) = ROUTES
QUICK = Deadlines(list_seconds=0.2)


class Lists:
    """A provider that lists what it is told to, or nothing at all while it is silent."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.silent = False

    async def script(self, exchange: Exchange) -> None:
        if self.silent:
            await silent(exchange)
        await exchange.answer({"data": [{"id": name} for name in self.names]})


def at(server: ScriptedServer) -> ProviderSettings:
    """Return the settings that lead to *server*."""
    return ProviderSettings(base_url=server.url, deadlines=QUICK)


async def listed(gateway: Gateway) -> list[str]:
    """Return the ids that the endpoint lists."""
    answer: Any = await ask(gateway, MODELS)
    return [model.id for model in answer["models"]]


async def test_all_providers(serve: Serve, open_gateway: OpenGateway) -> None:
    """The models of all providers are listed, each with its provider."""
    one, two = await serve(Lists("a", "b").script), await serve(Lists("a").script)
    gateway = await open_gateway({"one": at(one), "two": at(two)})
    assert await listed(gateway) == ["one/a", "one/b", "two/a"]


async def test_a_default_for_who_names_none(serve: Serve, open_gateway: OpenGateway) -> None:
    """The configured one, or the first that is there and not made for embeddings; none where none is."""

    async def default(gateway: Gateway) -> str:
        answer: Any = await ask(gateway, MODELS)
        return str(answer["default"])

    one, dead = await serve(Lists("text-embed-3", "a").script), await serve(silent)
    providers = {"dead": at(dead), "one": at(one)}
    assert await default(await open_gateway(providers)) == "one/a"
    assert await default(await open_gateway(providers, LlmSettings(default_model="fast"))) == "fast"
    assert await default(await open_gateway({"dead": at(dead)})) == ""


async def test_dead_provider(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that never answers costs its own models only, and holds up only the first question."""
    one, dead = await serve(Lists("a").script), await serve(silent)
    gateway = await open_gateway({"dead": at(dead), "one": at(one)})
    assert await listed(gateway) == ["one/a"]
    assert (await gateway.target("a"))[0].name == "one"
    asked = len(dead.exchanges)
    assert await listed(gateway) == ["one/a"]
    assert len(dead.exchanges) == asked


async def test_last_known_state(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that has fallen silent keeps its models in the list while it is asked again."""
    provider = Lists("a")
    gateway = await open_gateway({"one": at(await serve(provider.script))}, LlmSettings(models_fresh_seconds=0.001))
    assert await listed(gateway) == ["one/a"]
    provider.silent = True
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not gateway_error(gateway):
            assert await listed(gateway) == ["one/a"]
    assert await listed(gateway) == ["one/a"]


def gateway_error(gateway: Gateway) -> str:
    """Return what is wrong with the provider "one"."""
    return gateway._in_use.catalogue.shelves["one"].error


async def test_fresh_list_is_not_fetched_again(serve: Serve, open_gateway: OpenGateway) -> None:
    """Within its time, a list is answered from memory."""
    server = await serve(Lists("a").script)
    gateway = await open_gateway({"one": at(server)})
    for _ in range(5):
        await listed(gateway)
    assert len(server.exchanges) == 1


async def test_askers_share_one_question(serve: Serve, open_gateway: OpenGateway) -> None:
    """Many who ask at once make one request."""
    server = await serve(Lists("a").script)
    gateway = await open_gateway({"one": at(server)})
    assert await asyncio.gather(*(listed(gateway) for _ in range(20))) == [["one/a"]] * 20
    assert len(server.exchanges) == 1


async def test_same_name_at_several_providers(serve: Serve, open_gateway: OpenGateway) -> None:
    """Each names the others; the name alone is the first of them."""
    one, two, three = [await serve(Lists(*names).script) for names in (("a", "b"), ("c", "a"), ("a",))]
    gateway = await open_gateway({"one": at(one), "two": at(two), "three": at(three)})
    also = {model.id: model.also for model in await gateway.models()}
    assert also == {
        "one/a": ("two/a", "three/a"),
        "one/b": (),
        "two/c": (),
        "two/a": ("one/a", "three/a"),
        "three/a": ("one/a", "two/a"),
    }
    assert (await gateway.target("a"))[0].name == "one"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a", ("one", "a")),
        ("only-two", ("two", "only-two")),
        ("two/a", ("two", "a")),
        ("one/unlisted", ("one", "unlisted")),
        ("org/model", ("two", "org/model")),
        ("two/org/model", ("two", "org/model")),
        ("/models/file.gguf", ("two", "/models/file.gguf")),
        ("two//models/file.gguf", ("two", "/models/file.gguf")),
        ("tagged", ("two", "tagged:latest")),
        ("fast", ("two", "only-two")),
        ("a-alias", ("one", "a")),
    ],
)
async def test_names(name: str, target: tuple[str, str], serve: Serve, open_gateway: OpenGateway) -> None:
    """A listed name wins, then ``provider/name``, then an alias; slashes of the model's own are no harm."""
    one = await serve(Lists("a").script)
    two = await serve(Lists("a", "only-two", "org/model", "/models/file.gguf", "tagged:latest").script)
    aliases: dict[str, str | tuple[str, ...]] = {"fast": "two/only-two", "a-alias": "a", "a": "two/a"}
    gateway = await open_gateway({"one": at(one), "two": at(two)}, LlmSettings(aliases=aliases))
    await gateway.models()
    provider, model = await gateway.target(name)
    assert (provider.name, model) == target


async def test_new_model_is_found(serve: Serve, open_gateway: OpenGateway) -> None:
    """A name that is not listed makes the providers list again, once they may have something new."""
    provider = Lists("a")
    gateway = await open_gateway({"one": at(await serve(provider.script))})
    await gateway.models()
    provider.names = ("a", "b")
    gateway._in_use.catalogue.shelves["one"]._checked_at -= 10  # As if the list were ten seconds old.
    assert (await gateway.target("b"))[1] == "b"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "no provider has the model 'nonsense'"),
        ("groq/llama", "groq is not configured"),
        ("loop", "no provider has the model"),
        ("", "no provider has the model"),
        ("one/", "no provider has the model"),
    ],
)
async def test_unknown_names(name: str, message: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """An unknown name is said to be unknown, with what might be wrong; aliases in a circle are no trap."""
    aliases: dict[str, str | tuple[str, ...]] = {"loop": "pool", "pool": "loop"}
    gateway = await open_gateway({"one": at(await serve(Lists("a").script))}, LlmSettings(aliases=aliases))
    with pytest.raises(ModelNotFound, match=message):
        await gateway.target(name)


async def test_unknown_while_a_provider_is_dead(serve: Serve, open_gateway: OpenGateway) -> None:
    """When the model may be at a provider that does not answer, that is said."""
    gateway = await open_gateway({"dead": at(await serve(silent))})
    with pytest.raises(ModelNotFound, match="dead has not listed its models"):
        await gateway.target("a")
