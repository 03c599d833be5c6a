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


class Retries(Struct, frozen=True, forbid_unknown_fields=True):
    """How a call is repeated that has failed before anything of its answer was given."""

    attempts: Annotated[int, Meta(ge=1)] = 3
    """How often a provider is asked at most; 1: never again."""
    first_wait_seconds: Seconds = 0.25
    """Before the second attempt; doubled for each further one, and each shortened by up to a half, at random."""
    wait_seconds: Seconds = 5.0
    """How long a caller waits for further attempts in all; a provider that asks for a longer wait
    (``Retry-After``) is not waited for."""


class CircuitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a provider that fails is left alone."""

    failures: Annotated[int, Meta(ge=1)] = 5
    """After how many failures in a row."""
    rest_seconds: Seconds = 15.0
    """For how long; then one call is let through, and its outcome decides."""


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
    """Whose prices hold, as genai-prices calls them, or ``free``; empty: those of whoever has the address."""
    deadlines: Deadlines | None = None
    """In place of the ``[llm.deadlines]``."""
    retries: Retries | None = None
    """In place of the ``[llm.retries]``."""
    circuit: CircuitSettings | None = None
    """In place of the ``[llm.circuit]``."""

    def __repr__(self) -> str:
        """Return a form that is safe to log: no key, no headers."""
        return f"ProviderSettings(kind={self.kind!r}, base_url={self.base_url!r}, enabled={self.enabled!r})"


class LlmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[llm]``: what concerns all providers."""

    default_model: str = ""
    """Whom `hecate chat` asks when no model is named; empty: the first that is there."""
    aliases: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Other names for models: ``fast = "groq/llama-3.1-8b-instant"``; of several, each further one is a fallback."""
    fallbacks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For a model's name, the models that answer in its place, in this order, when it cannot."""
    environment_file: str = ""
    """A file of ``NAME=value`` lines that stand before the process's own environment; read again
    by every reload, since a running process cannot see what its parent's shell sets later."""
    models_fresh_seconds: Seconds = 60.0
    """How old a list of models may be before it is fetched again in the background."""
    deadlines: Deadlines = Deadlines()
    retries: Retries = Retries()
    circuit: CircuitSettings = CircuitSettings()


class LocalSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[local]``: the models that the daemon runs itself."""

    folder: str = ""
    """Where the GGUF files lie; empty in the file: ``models`` in the data directory."""
    idle_seconds: Seconds = 300.0
    """How long a model that nobody asks stays loaded."""
    most_loaded: Annotated[int, Meta(ge=1)] = 1
    """How many are loaded at once; one more takes the place of the one that has been idle for longest."""
    context_length: Annotated[int, Meta(ge=0)] = 8192
    """In tokens, for all chats of a model together; a model made for less gets less.  0: as long as it was made for."""
    threads: Annotated[int, Meta(ge=0)] = 0
    """0: one less than there are processors, or one for each core that has two of them."""
    gpu_layers: Annotated[int, Meta(ge=-1)] = -1
    """How many layers of a model a GPU takes, if xllamacpp was built for one; -1: as many as fit."""
