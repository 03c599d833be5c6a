"""Reads the configuration of the providers again.

    POST /api/llm/providers/reload

The configuration file, the environment file and the files with keys are read anew; the
variables of a running process are those that it was started with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
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


async def reload_providers(call: Call) -> Mapping[str, Any]:
    """Use what the configuration says now; chats that are running end as they began."""
    gateway = call.services.get(Gateway)
    changes = await gateway.reload()
    return {
        "providers_loaded": gateway.configured,
        "providers": gateway.configured,
        "added": changes.added,
        "removed": changes.removed,
        "changed": changes.changed,
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
