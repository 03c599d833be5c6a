"""How the providers are.

    GET /api/llm/health

Always 200: that a provider is ill is the answer, not a failure to give one.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Literal

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.catalogue import Shelf
from hecate.serve_llm.circuit import State
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers import provider_kinds

ProviderStatus = Literal["healthy", "unhealthy", "not_configured", "unknown"]
Overall = Literal["healthy", "degraded", "unhealthy", "not_configured", "unknown"]


class ProviderHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one provider is, as last heard."""

    status: ProviderStatus
    models: int | None = None
    """How many it offers; where it is healthy."""
    error: str = ""
    """What is wrong; where it is unhealthy.  What it would take to have it, where it is not configured."""
    latency_ms: int | None = None
    """How long its last list of models took."""
    checked_seconds_ago: int | None = None
    circuit: State | Literal[""] = ""
    """``open``: it has failed so often that it is not asked; ``half_open``: one call is let through, to see."""
    failures_in_a_row: int = 0
    """How many calls of models have failed since the last that succeeded."""
    last_failure: str = ""
    """What was wrong with the last of them."""
    left_alone_seconds: int = 0
    """How much longer it is not asked; where the circuit is open."""


class LlmHealth(Struct, frozen=True):
    """How every provider is, and all of them together."""

    ok: bool
    status: Overall
    """``healthy`` if all that are configured are, ``degraded`` if some are."""
    providers: dict[str, ProviderHealth]


async def check_providers(call: Call) -> Mapping[str, Any]:
    """Tell how each provider is, as last heard."""
    gateway = call.services.get(Gateway)
    providers = {name: health_of(shelf) for name, shelf in (await gateway.shelves()).items()}
    for kind in provider_kinds().values():
        if kind.lacks is not None and kind.name not in providers:
            lacks = kind.lacks(gateway.providers.now.sources.local)
            providers[kind.name] = ProviderHealth(status="not_configured", error=lacks)
    return {"status": _overall(providers), "providers": providers}


def health_of(shelf: Shelf | None) -> ProviderHealth:
    """Return how the provider of *shelf* is, as last heard; None: one that is not in use."""
    """Return how the provider of *shelf* is, as last heard; None: one that is not in use."""
    if shelf is None:
        return ProviderHealth(status="not_configured")
    circuit = shelf.provider.upstream.circuit
    is_healthy = shelf.status == "healthy"
    return ProviderHealth(
        status=shelf.status,
        models=len(shelf.models) if is_healthy else None,
        error=shelf.error,
        latency_ms=shelf.latency_ms if is_healthy else None,
        checked_seconds_ago=None if shelf.status == "unknown" else round(shelf.age_seconds()),
        circuit=circuit.state,
        failures_in_a_row=circuit.failures,
        last_failure=circuit.last_failure,
        left_alone_seconds=ceil(circuit.rests_seconds),
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
