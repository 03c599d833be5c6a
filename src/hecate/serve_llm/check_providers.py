"""How the providers are.

    GET /api/llm/health

Always 200: that a provider is ill is the answer, not a failure to give one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.catalogue import Shelf
from hecate.serve_llm.gateway import Gateway

ProviderStatus = Literal["healthy", "unhealthy", "not_configured", "unknown"]
Overall = Literal["healthy", "degraded", "unhealthy", "not_configured", "unknown"]


class ProviderHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one provider is, as last heard."""

    status: ProviderStatus
    models: int | None = None
    """How many it offers; where it is healthy."""
    error: str = ""
    """What is wrong; where it is unhealthy."""
    latency_ms: int | None = None
    """How long its last list of models took."""
    checked_seconds_ago: int | None = None


class LlmHealth(Struct, frozen=True):
    """How every provider is, and all of them together."""

    ok: bool
    status: Overall
    """``healthy`` if all that are configured are, ``degraded`` if some are."""
    providers: dict[str, ProviderHealth]


async def check_providers(call: Call) -> Mapping[str, Any]:
    """Tell how each provider is, as last heard."""
    shelves = await call.services.get(Gateway).shelves()
    providers = {name: _health(shelf) for name, shelf in shelves.items()}
    return {"status": _overall(providers), "providers": providers}


def _health(shelf: Shelf | None) -> ProviderHealth:
    if shelf is None:
        return ProviderHealth(status="not_configured")
    if shelf.status == "unknown":
        return ProviderHealth(status="unknown")
    age = round(shelf.age_seconds())
    if shelf.status == "unhealthy":
        return ProviderHealth(status="unhealthy", error=shelf.error, checked_seconds_ago=age)
    return ProviderHealth(
        status="healthy", models=len(shelf.models), latency_ms=shelf.latency_ms, checked_seconds_ago=age
    )


def _overall(providers: Mapping[str, ProviderHealth]) -> Overall:
    found = {health.status for health in providers.values()} - {"not_configured"}
    if not found:
        return "not_configured"
    if len(found) == 1:
        (only,) = found
        return only
    return "degraded" if "healthy" in found else "unhealthy"


ROUTES = (
    Route(
        method="GET",
        path="/api/llm/health",
        call=check_providers,
        summary="Check health of all LLM providers",
        answer=LlmHealth,
        tag="llm",
    ),
)
