"""What the daemon answers about models, their providers, what they cost, and what they say."""

from __future__ import annotations

from typing import Any

import msgspec


class Model(msgspec.Struct, frozen=True):
    """A language model that a provider has."""

    name: str
    provider: str
    id: str = ""
    """``provider/name``: the way to name it that is never ambiguous."""
    size: str | None = None
    family: str | None = None
    context_length: int | None = None
    """In tokens."""


class ModelList(msgspec.Struct, frozen=True):
    """The models of all providers."""

    models: tuple[Model, ...]
    default: str = ""
    """Which of them to ask where none is named; empty: there is none."""


class ProviderHealth(msgspec.Struct, frozen=True):
    """How a provider does: ``healthy``, ``unhealthy`` (see `error`), ``not_configured`` or ``unknown``."""

    status: str
    models: int | None = None
    error: str | None = None


class ProvidersHealth(msgspec.Struct, frozen=True):
    """How the providers do, by name."""

    providers: dict[str, ProviderHealth]


class Provider(msgspec.Struct, frozen=True):
    """A provider in use."""

    name: str
    kind: str
    base_url: str
    origin: str
    """``added``, ``configuration``, ``environment`` or ``default``."""
    has_key: bool
    health: ProviderHealth


class ProviderList(msgspec.Struct, frozen=True):
    """The providers in use, and those that were removed though they are configured."""

    providers: tuple[Provider, ...]
    removed: tuple[str, ...] = ()


class AddedProvider(msgspec.Struct, frozen=True):
    """A provider that has been added, or another in place of one of its name."""

    provider: Provider
    replaced: bool = False


class RemovedProvider(msgspec.Struct, frozen=True):
    """A provider that is used no more."""

    removed: str
    warnings: tuple[str, ...] = ()


class ReloadedProviders(msgspec.Struct, frozen=True):
    """What the reload of the configuration has changed, and how the providers do now."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed_settings: dict[str, tuple[str, ...]] = {}
    """For each provider that is another now, the names of the settings that are."""
    health: dict[str, ProviderHealth] = {}


class Usage(msgspec.Struct, frozen=True):
    """What a chat cost, in tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class UsageFigures(msgspec.Struct, frozen=True):
    """What some calls of models add up to."""

    calls: int
    errors: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    """The sum of all costs that are known; None: none is."""
    unpriced_calls: int = 0
    """Calls that may have cost something, and nobody knows what."""
    first_token_p50_ms: float | None = None
    first_token_p95_ms: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None


class UsageRow(UsageFigures, frozen=True):
    """What the calls of one day, model, provider, venture or division add up to; the others are empty."""

    day: str = ""
    provider: str = ""
    model: str = ""
    venture_id: str = ""
    division_id: str = ""


class UsageReport(msgspec.Struct, frozen=True):
    """What the calls of models have cost, and how they went."""

    by: str
    rows: tuple[UsageRow, ...]
    total: UsageFigures
    """Of all calls, also of those whose row is not shown."""
    more: bool = False
    """Whether there were more rows."""


class ChatAnswer(msgspec.Struct, frozen=True):
    """A whole answer of a model."""

    content: str
    model: str = ""
    provider: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    reasoning: str | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    signatures: Any = None
    """Opaque; send it back with the message it came with."""
    cost_usd: float | None = None
    """None: unknown."""


class ChatChunk(msgspec.Struct, frozen=True):
    """A piece of an answer; the last has `done`, no content, and says the model, the reason and the usage."""

    content: str = ""
    done: bool = False
    reasoning: str | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    """None: unknown."""
    warnings: tuple[str, ...] = ()
    """In the last one: what was tried before, and other things worth knowing."""
