"""The models of all providers, as OpenAI and Anthropic list them: one entry serves both kinds of clients.

GET /v1/models
GET /v1/models/ollama/llama3.2:latest
"""

from __future__ import annotations

from typing import Any

import msgspec

from hecate.dossiers.errors import NotFound
from hecate.endpoints import Call, Raw, Route
from hecate.serve_llm.dialects import anthropic_errors, openai_errors
from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers.provider import Model

NOT_KNOWN = "1970-01-01T00:00:00Z"
"""Stands for the time of a model's release, as Anthropic does it too."""


async def list_models(call: Call) -> Raw:
    """List the models of all providers by their full names, which no other has, and the aliases."""
    gateway = call.services.get(Gateway)
    models = await gateway.models()
    entries = [_entry(model) for model in (*models, *gateway.providers.now.routing.aliased(models))]
    listed = {
        "object": "list",
        "data": entries,
        "has_more": False,
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
    }
    return Raw(msgspec.json.encode(listed))


async def show_model(call: Call) -> Raw:
    """Show one model, by any name that a chat takes."""
    gateway = call.services.get(Gateway)
    asked = call.path["model"]
    try:
        provider, name = await gateway.target(asked)
    except ModelNotFound as exc:
        if "anthropic-version" in call.headers:
            return anthropic_errors.refusal(exc)
        raise
    models = await gateway.models()
    unlisted = Model(name=name, provider=provider.name, id=f"{provider.name}/{name}")
    known = (*gateway.providers.now.routing.aliased(models), *models)
    found = next((model for model in known if model.id in {asked, unlisted.id}), unlisted)
    return Raw(msgspec.json.encode(_entry(found)))


async def refuse_path(call: Call) -> Raw:
    """Refuse a path of OpenAI's that is not served here."""
    raise NotFound(f"there is no path /v1/{call.path['path'][:100]}; GET /api/openapi.json lists them all")


def _entry(model: Model) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": 0,
        "owned_by": model.provider,
        "type": "model",
        "display_name": model.name,
        "created_at": NOT_KNOWN,
        "lifecycle": "active",
    }
    if model.context_length is not None:
        entry["max_input_tokens"] = entry["context_length"] = model.context_length
    if model.max_output_tokens is not None:
        entry["max_tokens"] = model.max_output_tokens
    return entry


ROUTES = (
    Route(
        method="GET",
        path="/v1/models",
        call=list_models,
        summary="List all models, as OpenAI's and Anthropic's clients do",
        refusal=openai_errors.refusal,
        tag="openai",
    ),
    Route(
        method="GET",
        path="/v1/models/{model:path}",
        call=show_model,
        summary="Show one model, as OpenAI's and Anthropic's clients do",
        errors=(404,),
        refusal=openai_errors.refusal,
        tag="openai",
    ),
    *(
        Route(
            method=method,
            path="/v1/{path:path}",
            call=refuse_path,
            summary="Anything else of OpenAI's",
            refusal=openai_errors.refusal,
            listed=False,
        )
        for method in ("GET", "POST", "DELETE")
    ),
)
