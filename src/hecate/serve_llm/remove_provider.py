"""Removes a provider while the daemon runs; what it is writing now, it writes to the end.

    POST /api/llm/providers/{name}/remove

It stays away after a restart too, even if the configuration or the environment has it, until it is
added again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.gateway import Gateway


class RemovedProvider(Struct, frozen=True):
    """The providers that are left."""

    ok: bool
    removed: str
    providers: tuple[str, ...]
    warnings: list[str] = []


async def remove_provider(call: Call) -> Mapping[str, Any]:
    """Use a provider no more."""
    gateway = call.services.get(Gateway)
    name = call.path["name"]
    await gateway.providers.remove(name)
    if name in gateway.providers.now.sources.added:
        call.warnings.append(
            f"the configuration or the environment still has {name}; it stays away until it is added again"
        )
    return {"removed": name, "providers": gateway.configured, "warnings": call.warnings}


ROUTES = (
    Route(
        method="POST",
        path="/api/llm/providers/{name}/remove",
        call=remove_provider,
        summary="Remove an LLM provider",
        answer=RemovedProvider,
        errors=(404, 503),
        tag="llm",
    ),
)
