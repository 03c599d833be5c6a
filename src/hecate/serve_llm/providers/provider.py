"""What a provider is: what the gateway asks of an adapter, and how an adapter makes itself known.

A module of this folder exports ``PROVIDER``, a `ProviderKind`.  An adapter is an immutable
value made for one account; a reload makes new ones, and running chats keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.settings import CircuitSettings, Deadlines, LocalSettings, Retries

if TYPE_CHECKING:
    from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.pieces import Batches
    from hecate.serve_llm.upstream import Upstream


Origin = Literal["added", "configuration", "environment", "default"]
"""At run time, the configuration file, the environment, or nowhere: it needs no settings."""


class Model(Struct, frozen=True, omit_defaults=True):
    """A model that a provider offers; what is not known is left out."""

    name: str
    """The provider's own name; may hold slashes, and may look like a file's path."""
    provider: str
    id: str
    """``provider/name``: unique over all providers."""
    size: str = ""
    """The number of parameters, as in ``3.8B``."""
    parameter_size: str = ""
    family: str = ""
    size_bytes: int | None = None
    context_length: int | None = None
    """In tokens."""
    max_output_tokens: int | None = None
    quantization_level: str = ""
    capabilities: tuple[str, ...] = ()
    """Such as ``tools``, ``vision``, ``thinking``, ``embedding``."""
    also: tuple[str, ...] = ()
    """The ids of other providers' models of the same name; the name alone means the first in the list of models."""


SHORTEST_SECRET = 8
"""Characters of a header that is taken for a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One provider as configured: where it is, and how to talk to it."""

    name: str
    kind: str
    base_url: str
    """Without a slash at its end."""
    origin: Origin = field(default="default", compare=False)
    """Where its settings come from, first of all."""
    api_key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str = field(default="", repr=False)
    models: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prices: str = ""
    """Whose prices hold; empty: those of whoever has the address."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    retries: Retries = field(default_factory=Retries)
    circuit: CircuitSettings = field(default_factory=CircuitSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    """For the provider that runs models in the daemon itself."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of it must not be seen: the key, and headers that may hold another; short ones are words."""
        return (self.api_key, *(value for value in self.headers.values() if len(value) >= SHORTEST_SECRET))


class Provider(Protocol):
    """An adapter: speaks to one provider for one account."""

    @property
    def name(self) -> str:
        """The account's name, by which models are prefixed."""

    @property
    def dialect(self) -> str:
        """The API that the provider speaks: ``openai``, ``anthropic``, ``google`` or ``ollama``."""

    @property
    def upstream(self) -> Upstream:
        """The HTTP side, for sending a request of the provider's own dialect on unchanged."""

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models on offer; an answer also means that the provider is healthy.

        Raises:
            ProviderFailed: The provider does not answer, refuses, or answers with nonsense.
        """

    def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*, whose ``model`` is the provider's own name: batches that end in a `Finish`.

        Closing the generator, or cancelling the task that waits for it, ends the call.

        Raises:
            Invalid: The request asks for what this provider cannot do.
            ModelNotFound: The provider does not have the model.
            ProviderFailed: Anything else that goes wrong with the provider.
        """


@runtime_checkable
class Embeds(Protocol):
    """What an adapter can do besides, if its provider makes vectors of texts."""

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request*, whose ``model`` is the provider's own name.

        Raises:
            Invalid, ModelNotFound, ProviderFailed: As for a chat.
        """


@runtime_checkable
class CountsTokens(Protocol):
    """What an adapter can do besides, if its provider says beforehand how long a request is."""

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens of input *request* is; its ``model`` is the provider's own name.

        Raises:
            Invalid, ModelNotFound, ProviderFailed: As for a chat.
        """


@runtime_checkable
class Closes(Protocol):
    """What an adapter does besides, if it holds more than connections."""

    async def close(self) -> None:
        """Let go of what it holds, as soon as the chats that are running are done with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKind:
    """How to reach one sort of provider: a constant in each module of this folder."""

    name: str
    adapter: Callable[[Account, Upstream], Provider]
    authorize: Callable[[str], Mapping[str, str]]
    """Gives the headers that carry a key."""
    base_url: str = ""
    """Where the provider usually is; empty: nowhere, so an account must say."""
    base_url_variables: tuple[str, ...] = ()
    """Environment variables that say otherwise; the first one set wins."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that may hold the key; each also as ``…_FILE``."""
    needs_key: bool = True
    """False: counts as configured without a key."""
    address: Callable[[str], str] = str
    """Completes a base URL as users write it, such as ``0.0.0.0:11434``.

    Raises:
        Invalid: It is none.
    """
    lacks: Callable[[LocalSettings], str] | None = None
    """For what the daemon runs itself, in the place of an address: what this machine lacks for it, as a sentence that
    says how to come by it; empty if it lacks nothing.  None: it is at an address."""


def bearer(key: str) -> dict[str, str]:
    """Return the headers of ``Authorization: Bearer``, or none for an empty *key*."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def parameter_count(count: int | None) -> str:
    """Return *count* as people write it, such as ``268M`` or ``3.8B``; empty for None."""
    if count is None:
        return ""
    for unit, name in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= unit:
            return f"{count / unit:.1f}{name}" if count < 100 * unit else f"{count / unit:.0f}{name}"
    return str(count)


def refuse_reserved(extra: Mapping[str, Any], reserved: frozenset[str]) -> None:
    """Refuse fields in ``extra`` on which the reading of the answer depends.

    Raises:
        Invalid: *extra* has one of *reserved*.
    """
    if clash := reserved.intersection(extra):
        raise Invalid(f"`extra` must not set {', '.join(f'`{name}`' for name in sorted(clash))}")
