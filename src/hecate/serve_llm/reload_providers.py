"""Reads the configuration of the providers again.

    POST /api/llm/providers/reload

A running process cannot see what its parent's shell sets later; what is read again is the
configuration file, the environment file that it names, the files with keys, and what was added at
run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.check_providers import ProviderHealth, health_of
from hecate.serve_llm.gateway import Gateway


class ReloadedProviders(Struct, frozen=True):
    """The providers in use from now on, and what the reload has changed."""

    ok: bool
    providers_loaded: tuple[str, ...]
    providers: tuple[str, ...]
    """The same as ``providers_loaded``."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    changed_settings: dict[str, tuple[str, ...]]
    """For each provider in ``changed``, the names of the settings that are others now."""
    health: dict[str, ProviderHealth]
    """How each provider is, asked just now."""


async def reload_providers(call: Call) -> Mapping[str, Any]:
    """Use what the configuration says now; chats that are running end as they began."""
    gateway = call.services.get(Gateway)
    changes = await gateway.providers.reload()
    return {
        "providers_loaded": gateway.configured,
        "providers": gateway.configured,
        "added": changes.added,
        "removed": changes.removed,
        "changed": tuple(changes.changed),
        "changed_settings": changes.changed,
        "health": {name: health_of(shelf) for name, shelf in gateway.providers.now.catalogue.shelves.items()},
    }


ROUTES = (
    Route(
        method="POST",
        path="/api/llm/providers/reload",
        call=reload_providers,
        summary="Reload the configuration of the LLM providers",
        answer=ReloadedProviders,
        errors=(400,),
        tag="llm",
    ),
)
