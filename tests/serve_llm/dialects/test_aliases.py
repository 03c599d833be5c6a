"""Aliases in the lists of models: a client offers what it is told of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.endpoints import Call, Raw, Services
from hecate.serve_llm.dialects.ollama_models import ROUTES as OLLAMA_ROUTES
from hecate.serve_llm.dialects.openai_models import ROUTES as OPENAI_ROUTES
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import LlmSettings, ProviderSettings
from tests.serve_llm.asking import OpenGateway, Serve

ROUTES = {route.path: route for route in (*OPENAI_ROUTES, *OLLAMA_ROUTES) if route.method == "GET"}
ALIASES: dict[str, str | tuple[str, ...]] = {
    "fast": "one/a",
    "quick": "fast",
    "best": ("b", "one/a"),
    "a": "b",
    "lost": "nowhere",
}


@pytest.fixture
async def gateway(serve: Serve, open_gateway: OpenGateway) -> Gateway:
    """A gateway whose one provider lists `a` and `b`."""
    server = await serve(lambda exchange: exchange.answer({"data": [{"id": "a", "context_length": 9}, {"id": "b"}]}))
    return await open_gateway({"one": ProviderSettings(base_url=server.url)}, LlmSettings(aliases=ALIASES))


async def get(gateway: Gateway, path: str, **parameters: str) -> Any:
    """Return what a route answers."""
    services = Services()
    services.add(gateway)
    answer = await ROUTES[path].call(Call(parameters, None, None, b"", {}, None, "request", services))
    assert isinstance(answer, Raw)
    return json.loads(answer.body)


async def test_openai_and_anthropic(gateway: Gateway) -> None:
    """Each alias that means a model is listed, also one of an alias; not one that a model's own name hides."""
    listed = {entry["id"]: entry for entry in (await get(gateway, "/v1/models"))["data"]}
    assert list(listed) == ["one/a", "one/b", "fast", "quick", "best"]
    assert (listed["quick"]["owned_by"], listed["quick"]["context_length"]) == ("one", 9)


async def test_one_is_shown_by_the_name_that_was_asked_for(gateway: Gateway) -> None:
    """An alias stays an alias, a name becomes the full one."""
    assert (await get(gateway, "/v1/models/{model:path}", model="fast"))["id"] == "fast"
    assert (await get(gateway, "/v1/models/{model:path}", model="a"))["id"] == "one/a"


async def test_ollama(gateway: Gateway) -> None:
    """They are tags like the others."""
    names = [tag["name"] for tag in (await get(gateway, "/api/tags"))["models"]]
    assert names == ["one/a", "one/b", "fast", "quick", "best"]
