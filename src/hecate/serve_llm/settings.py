"""The tables ``[llm]`` and ``[providers.NAME]`` of the configuration file."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(gt=0)]


class Deadlines(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a provider may take, in seconds."""

    connect_seconds: Seconds = 5.0
    """Until the connection stands."""
    list_seconds: Seconds = 2.0
    """Until the models are listed; a provider that takes longer counts as unhealthy."""
    first_token_seconds: Seconds = 300.0
    """From the request to the first piece of a streamed answer; loading a big model takes minutes."""
    gap_seconds: Seconds = 120.0
    """Between two pieces of a streamed answer."""
    total_seconds: Seconds = 1800.0
    """For the whole call, streamed or not; a request's ``timeout_seconds`` replaces it."""


class ProviderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[providers.NAME]``: one provider; what is left out comes from its kind and the environment."""

    kind: str = ""
    """An adapter's name; empty: the table's own name if there is such an adapter, else ``openai``."""
    enabled: bool = True
    base_url: str = ""
    api_key: str = ""
    api_key_file: str = ""
    """A file that holds the key and nothing else."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every request to the provider."""
    proxy: str = ""
    """An HTTP proxy; empty: as the environment's ``HTTPS_PROXY`` says, except for this machine."""
    models: tuple[str, ...] = ()
    """The models to list, for a provider that cannot list its own."""
    options: dict[str, Any] = field(default_factory=dict)
    """Fields for every chat, as if in its ``extra``, such as ``num_ctx`` for ollama."""
    prices: str = ""
    """Whose prices hold, by the name in genai-prices, such as ``openai``, or ``free``; empty: of whoever has the address."""
    deadlines: Deadlines | None = None
    """In place of the ``[llm.deadlines]``."""

    def __repr__(self) -> str:
        """Return a form that is safe to log: no key, no headers."""
        return f"ProviderSettings(kind={self.kind!r}, base_url={self.base_url!r}, enabled={self.enabled!r})"


class LlmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[llm]``: what concerns all providers."""

    aliases: dict[str, str] = field(default_factory=dict)
    """Other names for models: ``fast = "groq/llama-3.1-8b-instant"``."""
    environment_file: str = ""
    """A file of ``NAME=value`` lines that stand before the process's own environment; read again
    by every reload, since a running process cannot see what its parent's shell sets later."""
    models_fresh_seconds: Seconds = 60.0
    """How old a list of models may be before it is fetched again in the background."""
    deadlines: Deadlines = Deadlines()
