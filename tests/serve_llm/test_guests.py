"""Guests: providers that are no accounts, and come and go while the daemon runs."""

from __future__ import annotations

import pytest

from hecate.serve_llm.connections import Connections
from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.list_models import default_model
from hecate.serve_llm.messages import ChatRequest, UserMessage
from hecate.serve_llm.pieces import Batches, Finish, TextPiece, whole_answer
from hecate.serve_llm.providers.provider import Account, Model
from hecate.serve_llm.settings import ProviderSettings
from hecate.serve_llm.upstream import Upstream
from tests.serve_llm.asking import OpenGateway

MESSAGES = (UserMessage("Hello!"),)


class Guest:
    """Has one model, which says who has it."""

    dialect = "mesh"

    def __init__(self, name: str) -> None:
        self.name = name
        self.upstream = Upstream(Account(name=name, kind="mesh", base_url="mesh://x", prices="free"), Connections(), {})

    async def list_models(self) -> tuple[Model, ...]:
        return (Model("ollama/small", self.name, f"{self.name}/ollama/small"),)

    async def chat(self, request: ChatRequest) -> Batches:
        yield [TextPiece(f"{self.name} {request.model}"), Finish("stop")]


async def test_a_guest_comes_stays_over_a_reload_and_goes(open_gateway: OpenGateway) -> None:
    """Its models are listed and answer under its name."""
    gateway = await open_gateway({})
    await gateway.providers.welcome([Guest("anna")])
    await gateway.providers.reload()
    assert [model.id for model in await gateway.models()] == ["anna/ollama/small"]
    answer = await whole_answer(gateway.chat(ChatRequest(model="anna/ollama/small", messages=MESSAGES)))
    assert answer.content == "anna ollama/small"
    assert gateway.configured == ()
    await gateway.providers.welcome(())
    assert await gateway.models() == []
    with pytest.raises(ModelNotFound):
        await gateway.target("anna/ollama/small")


async def test_a_guest_is_asked_only_by_its_name(open_gateway: OpenGateway) -> None:
    """A model's own name never leaves the machine for a guest's."""
    gateway = await open_gateway({})
    await gateway.providers.welcome([Guest("anna")])
    assert len(await gateway.models()) == 1
    for name in ("small", "ollama/small"):
        with pytest.raises(ModelNotFound):
            await gateway.target(name)


async def test_a_guest_is_never_the_default(open_gateway: OpenGateway) -> None:
    """Who names no model gets one of this machine, or none."""
    gateway = await open_gateway({})
    await gateway.providers.welcome([Guest("anna")])
    assert default_model(gateway, await gateway.models()) == ""


async def test_an_account_goes_before_a_guest_of_its_name(open_gateway: OpenGateway) -> None:
    """So that a peer cannot put itself in the place of a provider."""
    own = ProviderSettings(base_url="http://127.0.0.1:1", models=("own",))
    gateway = await open_gateway({"mine": own})
    await gateway.providers.welcome([Guest("mine")])
    assert gateway.providers.now.catalogue.shelves["mine"].provider.upstream.account.base_url == own.base_url
