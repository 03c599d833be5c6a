"""Adds a provider while the daemon runs, or gives one that is there another key, or another address.

    POST /api/llm/providers/add
    {"name": "groq", "api_key": "gsk_…"}

It is asked for its models first: what does not answer, or refuses the key, is not added, unless
``even_if_ill`` is set.  What is added is kept in the data directory, in a file for its owner alone,
and wins over the configuration and the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from hecate.dossiers.errors import Invalid
from hecate.endpoints import Call, Route
from hecate.serve_llm.check_providers import health_of
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.list_providers import ConfiguredProvider, configured_provider
from hecate.serve_llm.settings import ProviderSettings

HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]*$", max_length=4096)]


class NewProvider(Struct, frozen=True, kw_only=True):
    """A provider to add; what is left out comes from the configuration, the environment, and its kind.

    No file that holds a key can be named: who may talk to the daemon need not be who may read its files.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    """By which its models are prefixed; of a kind (``groq``), or one of your own."""
    kind: str = ""
    """Whose API it speaks; empty: that of the kind of its name, else ``openai``."""
    base_url: Annotated[str, Meta(max_length=2048)] = ""
    """Where it is; another address than the usual one is not sent the key that is configured for that."""
    api_key: Annotated[str, Meta(pattern=r"^[\x21-\x7e]*$", max_length=4096)] = ""
    headers: dict[HeaderName, HeaderValue] = field(default_factory=dict)
    """Sent with every request to the provider."""
    models: tuple[str, ...] = ()
    """The models to list, for a provider that cannot list its own."""
    options: dict[str, Any] = field(default_factory=dict)
    """Fields for every chat, as if in its ``extra``."""
    even_if_ill: bool = False
    """Whether it is added even if it does not answer now."""

    def __repr__(self) -> str:
        """Return a form that is safe to log."""
        return f"NewProvider(name={self.name!r})"


class AddedProvider(Struct, frozen=True):
    """The provider, as it is in use now."""

    ok: bool
    provider: ConfiguredProvider
    replaced: bool
    """Whether there was one of this name."""


async def add_provider(call: Call) -> Mapping[str, Any]:
    """Use a provider from now on."""
    given: NewProvider = call.body
    providers = call.services.get(Gateway).providers
    settings = ProviderSettings(
        kind=given.kind,
        base_url=given.base_url,
        api_key=given.api_key,
        headers=given.headers,
        models=given.models,
        options=given.options,
    )
    changes = await providers.add(given.name, settings, even_if_ill=given.even_if_ill)
    now = providers.now
    if given.name not in now.accounts:
        raise Invalid(f"provider {given.name!r} was removed again at the same moment")
    shelf = now.catalogue.shelves[given.name]
    return {
        "provider": configured_provider(now.accounts[given.name], health_of(shelf)),
        "replaced": given.name not in changes.added,
    }


ROUTES = (
    Route(
        method="POST",
        path="/api/llm/providers/add",
        call=add_provider,
        summary="Add an LLM provider, or change one",
        body=NewProvider,
        answer=AddedProvider,
        errors=(400, 502, 503),
        example={"name": "groq", "api_key": "gsk_0123456789"},
        tag="llm",
    ),
)
