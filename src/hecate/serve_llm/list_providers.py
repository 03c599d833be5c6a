"""Which providers there are, and which there could be.

    GET /api/llm/providers

Keys are never shown, only whether there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hecate.endpoints import Call, Route
from hecate.serve_llm.check_providers import ProviderHealth, health_of
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.in_use import InUse
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.provider import Account, Origin, ProviderKind
from hecate.serve_llm.secrets import scrub


class ConfiguredProvider(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider in use: how it is configured, and how it is."""

    name: str
    kind: str
    """Whose API it speaks."""
    base_url: str
    """Without what may be secret in it."""
    origin: Origin
    """Where its settings come from, first of all: ``added`` at run time, ``configuration``, ``environment``,
    or by ``default``."""
    has_key: bool
    headers: tuple[str, ...] = ()
    """The names of the headers that go with every request to it."""
    health: ProviderHealth


class PossibleProvider(Struct, frozen=True, omit_defaults=True):
    """A kind of provider."""

    kind: str
    base_url: str
    """Where it usually is; empty: wherever its settings say."""
    key_variables: tuple[str, ...]
    """The environment variables that may hold its key."""
    needs_key: bool
    is_configured: bool
    """Whether a provider of this name is in use."""
    lacks: str = ""
    """What it would take to use it on this machine, where it is the daemon itself that runs it."""


class ProviderList(Struct, frozen=True):
    """The providers in use, and all kinds that there are."""

    ok: bool
    providers: tuple[ConfiguredProvider, ...]
    removed: tuple[str, ...]
    """Those that were removed at run time, though the configuration or the environment still has them."""
    kinds: tuple[PossibleProvider, ...]


async def list_providers(call: Call) -> Mapping[str, Any]:
    """List the providers in use."""
    gateway = call.services.get(Gateway)
    shelves = await gateway.shelves()
    now = gateway.providers.now
    return {
        "providers": [
            configured_provider(account, health_of(shelves.get(name))) for name, account in now.accounts.items()
        ],
        "removed": [name for name, settings in now.sources.added.items() if not settings.enabled],
        "kinds": [_possible(kind, now) for kind in provider_kinds().values()],
    }


def configured_provider(account: Account, health: ProviderHealth) -> ConfiguredProvider:
    """Return what may be seen of *account*."""
    return ConfiguredProvider(
        name=account.name,
        kind=account.kind,
        base_url=scrub(account.base_url, account.secrets),
        origin=account.origin,
        has_key=bool(account.api_key),
        headers=tuple(account.headers),
        health=health,
    )


def _possible(kind: ProviderKind, now: InUse) -> PossibleProvider:
    return PossibleProvider(
        kind=kind.name,
        base_url=kind.base_url,
        key_variables=kind.key_variables,
        needs_key=kind.needs_key,
        is_configured=kind.name in now.accounts,
        lacks="" if kind.lacks is None else kind.lacks(now.sources.local),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/llm/providers",
        call=list_providers,
        summary="List the LLM providers in use, and the kinds that there are",
        answer=ProviderList,
        tag="llm",
    ),
)
