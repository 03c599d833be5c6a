"""``GET /api/llm/health``: always an answer, with the contract's providers in it."""

from __future__ import annotations

import socket
from typing import Any

import msgspec

from hecate.serve_llm.check_providers import ROUTES
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import Deadlines, ProviderSettings
from tests.fakes.scripted_server import silent
from tests.serve_llm.asking import KEY, OpenGateway, Serve, ask

(HEALTH,) = ROUTES
NOT_CONFIGURED = {"status": "not_configured"}
QUICK = Deadlines(list_seconds=0.1)


async def health(gateway: Gateway) -> dict[str, Any]:
    """Return what the endpoint answers."""
    answer: dict[str, Any] = msgspec.to_builtins(await ask(gateway, HEALTH))
    return answer


async def test_nothing_configured(open_gateway: OpenGateway) -> None:
    """The contract's four are there even when none is configured; what could run here says what it lacks."""
    found = await health(await open_gateway({}))
    assert "to run models in the daemon itself" in found["providers"].pop("local")["error"]
    assert found == {
        "status": "not_configured",
        "providers": dict.fromkeys(("ollama", "anthropic", "openai", "google"), NOT_CONFIGURED),
    }


async def test_healthy(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that answers is healthy, with the number of its models."""
    server = await serve(lambda exchange: exchange.answer({"data": [{"id": "a"}, {"id": "b"}]}))
    found = await health(await open_gateway({"openai": ProviderSettings(base_url=server.url)}))
    assert found["status"] == "healthy"
    assert found["providers"]["openai"]["status"] == "healthy"
    assert found["providers"]["openai"]["models"] == 2
    assert found["providers"]["google"] == NOT_CONFIGURED


async def test_unhealthy(serve: Serve, open_gateway: OpenGateway) -> None:
    """Each that fails says why: refused, silent, wrong key; one that works makes it "degraded"."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{unused.getsockname()[1]}"
    good = await serve(lambda exchange: exchange.answer({"data": []}))
    locked = await serve(lambda exchange: exchange.answer({"error": {"message": f"bad key {KEY}"}}, 401))
    dead = await serve(silent)
    gateway = await open_gateway(
        {
            "ollama": ProviderSettings(base_url=refused),
            "good": ProviderSettings(base_url=good.url),
            "locked": ProviderSettings(base_url=locked.url, api_key=KEY),
            "dead": ProviderSettings(base_url=dead.url, deadlines=QUICK),
        }
    )
    found = await health(gateway)
    providers = found["providers"]
    assert found["status"] == "degraded"
    assert providers["good"]["models"] == 0
    assert "does not answer: Connection refused" in providers["ollama"]["error"]
    assert "within 0.1 s" in providers["dead"]["error"]
    assert "bad key ***" in providers["locked"]["error"]
    assert {providers[name]["status"] for name in ("ollama", "dead", "locked")} == {"unhealthy"}


async def test_all_unhealthy(serve: Serve, open_gateway: OpenGateway) -> None:
    """When nobody answers, the whole is unhealthy; the answer still comes."""
    gateway = await open_gateway({"dead": ProviderSettings(base_url=(await serve(silent)).url, deadlines=QUICK)})
    assert (await health(gateway))["status"] == "unhealthy"
