"""Which models there are, over all providers.

    GET /api/llm/models

Answered from what was last heard of each provider, so a dead one holds nobody up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers.provider import Model


class ModelList(Struct, frozen=True):
    """Every model that can be chatted with."""

    ok: bool
    models: tuple[Model, ...]


async def list_models(call: Call) -> Mapping[str, Any]:
    """List the models of all providers."""
    return {"models": await call.services.get(Gateway).models()}


ROUTES = (
    Route(
        method="GET",
        path="/api/llm/models",
        call=list_models,
        summary="List all available models across all providers",
        answer=ModelList,
        tag="llm",
    ),
)
