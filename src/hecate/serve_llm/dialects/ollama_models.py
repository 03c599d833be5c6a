"""The models of all providers, as Ollama shows them, and what its clients ask before anything else.

GET  /api/tags       all models
POST /api/show       one of them
GET  /api/ps         those that are loaded, at the providers that are Ollama
GET  /api/version
GET  /               whether it is there
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from hecate import __version__
from hecate.dossiers.errors import Invalid
from hecate.endpoints import Call, Raw, Route
from hecate.serve_llm.catalogue import Shelf
from hecate.serve_llm.dialects.ollama import DIALECT
from hecate.serve_llm.dialects.ollama_errors import refusal
from hecate.serve_llm.dialects.requested_bytes import with_model
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.providers.provider import Model, Provider

SPOKEN_VERSION = "0.13.0"
"""Of Ollama's API, as far as it is served here: clients look whether it is new enough for them."""
NOT_KNOWN = "1970-01-01T00:00:00Z"


class ShowQuestion(Struct, frozen=True):
    """Which model to show; older clients say ``name``."""

    model: str = ""
    name: str = ""
    verbose: bool | None = None


class _Running(Struct):
    models: list[dict[str, Any]] | None = None


_encode = msgspec.json.Encoder().encode
_decode_running = msgspec.json.Decoder(_Running).decode


async def list_tags(call: Call) -> Raw:
    """List all models, Ollama's by their own names, the others with the provider's before it; and the aliases."""
    gateway = call.services.get(Gateway)
    named = [*_named(await gateway.shelves())]
    aliased = gateway.providers.now.routing.aliased(model for _, model in named)
    named += ((alias.name, alias) for alias in aliased)
    return Raw(_encode({"models": [_tag(name, model) for name, model in named]}))


async def show_model(call: Call) -> Raw:
    """Show one model: Ollama tells what it has of it, of the others we tell what is known."""
    asked: ShowQuestion = call.body
    gateway = call.services.get(Gateway)
    given = asked.model or asked.name
    if not given:
        raise Invalid("which model? - at `$.model`")
    provider, name = await gateway.target(given)
    if provider.dialect == DIALECT:
        body = with_model(call.raw_body, given, name) if asked.model else _encode({"model": name})
        return Raw(await provider.upstream.ask("POST", "/api/show", body))
    unlisted = Model(name=name, provider=provider.name, id=f"{provider.name}/{name}")
    found = next((model for model in await gateway.models() if model.id == unlisted.id), unlisted)
    return Raw(_encode(_shown(found)))


async def list_running(call: Call) -> Raw:
    """List the models that are loaded at those providers that are Ollama, and answer."""
    shelves = await call.services.get(Gateway).shelves()
    asked = [_running(shelf.provider) for shelf in shelves.values() if shelf and shelf.provider.dialect == DIALECT]
    found = await asyncio.gather(*asked)
    return Raw(_encode({"models": [model for models in found for model in models]}))


async def tell_version(_: Call) -> Raw:
    """Tell which version of Ollama's API is spoken."""
    return Raw(_encode({"version": SPOKEN_VERSION, "hecate_version": __version__}))


async def be_there(_: Call) -> Raw:
    """Say what Ollama's clients look for to see whether it runs."""
    return Raw(b"Ollama is running", "text/plain; charset=utf-8")


def _named(shelves: Mapping[str, Shelf | None]) -> Iterator[tuple[str, Model]]:
    """Give every model with the name by which Ollama's clients will ask for it."""
    taken: set[str] = set()
    for shelf in shelves.values():
        if shelf is None:
            continue
        is_ollama = shelf.provider.dialect == DIALECT
        for model in shelf.models:
            yield (model.name if is_ollama and model.name not in taken else model.id), model
        taken.update(model.name for model in shelf.models)


def _tag(name: str, model: Model) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": NOT_KNOWN,
        "size": model.size_bytes or 0,
        # Clients tell models apart by it; what Ollama computes it from is not there.
        "digest": sha256(model.id.encode()).hexdigest(),
        "details": _details(model),
    }


def _details(model: Model) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "",
        "family": model.family,
        "families": [model.family] if model.family else [],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization_level,
    }


def _shown(model: Model) -> dict[str, Any]:
    info: dict[str, Any] = {"general.architecture": model.provider}
    if model.context_length is not None:
        info[f"{model.provider}.context_length"] = model.context_length
    return {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _details(model),
        "model_info": info,
        "capabilities": ("completion", *model.capabilities),
        "modified_at": NOT_KNOWN,
    }


async def _running(provider: Provider) -> list[dict[str, Any]]:
    try:
        async with asyncio.timeout(provider.upstream.account.deadlines.list_seconds):
            return _decode_running(await provider.upstream.ask("GET", "/api/ps")).models or []
    except (ProviderFailed, TimeoutError, msgspec.DecodeError, UnicodeDecodeError):
        return []  # Who does not answer has nothing that could be used now.


ROUTES = (
    Route(
        method="GET",
        path="/api/tags",
        call=list_tags,
        summary="List all models, as Ollama's clients do",
        refusal=refusal,
        tag="ollama",
    ),
    Route(
        method="POST",
        path="/api/show",
        call=show_model,
        summary="Show one model, as Ollama's clients do",
        body=ShowQuestion,
        errors=(404, 502, 504),
        refusal=refusal,
        cancel_on_disconnect=True,
        example={"model": "llama3.2:latest"},
        tag="ollama",
    ),
    Route(
        method="GET",
        path="/api/ps",
        call=list_running,
        summary="List the models that are loaded, as Ollama's clients do",
        refusal=refusal,
        tag="ollama",
    ),
    Route(
        method="GET",
        path="/api/version",
        call=tell_version,
        summary="Tell which version of Ollama's API is spoken",
        refusal=refusal,
        tag="ollama",
    ),
    Route(
        method="GET",
        path="/",
        call=be_there,
        summary="Tell Ollama's clients that somebody is there",
        refusal=refusal,
        listed=False,
    ),
)
