"""Which models there are, over all providers.

    GET /api/llm/models

Answered from what was last heard of each provider, so a dead one holds nobody up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers.provider import Model


class ModelList(Struct, frozen=True):
    """Every model that can be chatted with."""

    ok: bool
    models: tuple[Model, ...]
    default: str
    """Whom to ask where no model is named: what ``llm.default_model`` says, or the first of a healthy provider that was
    not made for something else than chats; empty: there is none."""


async def list_models(call: Call) -> Mapping[str, Any]:
    """List the models of all providers."""
    gateway = call.services.get(Gateway)
    models = await gateway.models()
    return {"models": models, "default": default_model(gateway, models)}


def default_model(gateway: Gateway, models: Iterable[Model]) -> str:
    """Return the name of the one of *models* to ask where none is named; empty: there is none."""
    now = gateway.providers.now
    if now.sources.llm.default_model:
        return now.sources.llm.default_model
    # Nothing is sent to another machine by default.
    own = {name: shelf for name, shelf in now.catalogue.shelves.items() if not shelf.is_guest}
    healthy = {name for name, shelf in own.items() if shelf.status == "healthy"}
    return next((model.id for model in models if model.provider in healthy and _chats(model)), "")


def _chats(model: Model) -> bool:
    """Return whether *model* is, for all that is known, one to chat with."""
    return "embedding" not in model.capabilities and "embed" not in model.name


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
