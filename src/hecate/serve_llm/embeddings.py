"""Vectors that stand for texts: what is asked for, and what comes back, in no provider's dialect."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class EmbeddingRequest(Struct, frozen=True, kw_only=True):
    """A request for the vectors of some texts."""

    model: str
    """As the caller names it; once routed, as the provider does."""
    inputs: tuple[str, ...]
    dimensions: int | None = None
    """How long the vectors shall be; None: as long as the model makes them."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Fields for the provider's own request, passed on as they are; they win over ours."""


class Embeddings(Struct, frozen=True):
    """The vectors, in the order of the texts."""

    provider: str
    model: str
    """The provider's own name of it."""
    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int = 0
    """0 where the provider has told nothing."""
