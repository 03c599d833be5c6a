"""Which providers are configured: the settings and the environment, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.addresses import checked_url
from hecate.serve_llm.environment import key_in_environment, proxy_for, read_environment_file, read_key_file
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.provider import Account, Origin, ProviderKind
from hecate.serve_llm.settings import LlmSettings, LocalSettings, ProviderSettings

FALLBACK_KIND = "openai"
"""What a provider with a name of its own is taken to speak."""
USUAL = ProviderSettings()
"""What says nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the configuration of providers comes from; read anew for every reload."""

    llm: LlmSettings = field(default_factory=LlmSettings)
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    """Those of the configuration file."""
    environ: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, ProviderSettings] = field(default_factory=dict)
    """Those that were added at run time; where they say something, it wins over the configuration file."""
    local: LocalSettings = field(default_factory=LocalSettings)

    def with_added(self, added: Mapping[str, ProviderSettings]) -> Sources:
        """Return the same with *added* in place of what was added before."""
        return replace(self, added=added)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One provider's settings, from all sources but the environment."""

    settings: ProviderSettings
    origin: Origin
    """``environment`` where neither file says anything."""
    asks_environment: bool = True
    """Whether the environment may add what is left out."""


def configured_accounts(sources: Sources) -> dict[str, Account]:
    """Return the accounts that can be used, by name: the contract's first.

    Raises:
        Invalid: A kind is unknown, an address is missing or forbidden, or a file cannot be read.
    """
    environ = dict(sources.environ)
    if sources.llm.environment_file:
        environ |= read_environment_file(Path(sources.llm.environment_file))
    kinds = provider_kinds()
    accounts: dict[str, Account] = {}
    for name in dict.fromkeys((*kinds, *sources.providers, *sources.added)):
        if "/" in name:
            raise Invalid(f"provider {name!r}: a name must not hold a slash, which parts it from the model's")
        wanted = _wanted(sources.providers.get(name), sources.added.get(name))
        if not wanted.settings.enabled:
            continue
        kind = _kind_of(name, wanted.settings, kinds)
        if kind.lacks is None:
            account = _account(name, wanted, kind, sources.llm, environ)
        else:
            account = _account_here(name, wanted, kind, sources)
        if account is not None:
            accounts[name] = account
        elif name not in kinds:
            raise Invalid(f"provider {name!r} needs a base_url")
    return accounts


def lacking(name: str, sources: Sources) -> str:
    """Return what would have to be there for the provider *name* to be used, as a sentence."""
    kind = provider_kinds().get(name)
    lacks = kind.lacks(sources.local) if kind is not None and kind.lacks is not None else ""
    return lacks or f"provider {name!r} needs an api_key"


def _wanted(configured: ProviderSettings | None, added: ProviderSettings | None) -> _Wanted:
    if added is None:
        return _Wanted(configured or ProviderSettings(), "environment" if configured is None else "configuration")
    if added.base_url or configured is None:
        # Another address gets nothing that was meant for the usual one: no key, no headers.
        return _Wanted(added, "added", asks_environment=not added.base_url)
    said = {name: value for name, value in structs.asdict(added).items() if value != getattr(USUAL, name)}
    return _Wanted(structs.replace(configured, **{"enabled": True, **said}), "added")


def _kind_of(name: str, settings: ProviderSettings, kinds: Mapping[str, ProviderKind]) -> ProviderKind:
    asked = settings.kind
    kind = kinds.get(asked or name) or (None if asked else kinds.get(FALLBACK_KIND))
    if kind is None:
        raise Invalid(f"provider {name!r} is of an unknown kind {asked!r}; there are: {', '.join(kinds)}")
    return kind


def _account(
    name: str, wanted: _Wanted, kind: ProviderKind, llm: LlmSettings, environ: Mapping[str, str]
) -> Account | None:
    """Return the account, or None where nothing says that this provider is to be used."""
    settings = wanted.settings
    variables = environ if wanted.asks_environment else {}
    # The variables of a kind belong to the provider of that name; `[providers.other] kind = "openai"`
    # must not send OpenAI's key to another server.
    owns_variables = name == kind.name
    given_url = settings.base_url or (_first_set(kind.base_url_variables, variables) if owns_variables else "")
    key_variables = kind.key_variables if owns_variables else (f"{name.upper().replace('-', '_')}_API_KEY",)
    key = _key(settings, key_variables, variables)
    if not given_url and (not owns_variables or (kind.needs_key and not key)):
        return None
    base_url = checked_url(f"provider {name!r}", kind.address(given_url or kind.base_url).rstrip("/"))
    is_default = wanted.origin == "environment" and not key and not given_url
    return Account(
        name=name,
        kind=kind.name,
        base_url=base_url,
        origin="default" if is_default else wanted.origin,
        api_key=key,
        headers=settings.headers,
        proxy=settings.proxy or proxy_for(base_url, environ),
        models=settings.models,
        **_common(settings, llm),
    )


def _account_here(name: str, wanted: _Wanted, kind: ProviderKind, sources: Sources) -> Account | None:
    """Return the account of what the daemon runs itself, or None where this machine lacks something for it.

    Raises:
        Invalid: It is to be a second one, or somewhere else.
    """
    settings = wanted.settings
    if name != kind.name:
        raise Invalid(f"provider {name!r}: there is only one of the kind {kind.name}, under that name")
    if settings.base_url or settings.api_key or settings.api_key_file:
        raise Invalid(f"provider {name!r} has no address and no key: what it runs is set in [{kind.name}]")
    if kind.lacks is None or kind.lacks(sources.local):
        return None
    return Account(
        name=name,
        kind=kind.name,
        base_url=Path(sources.local.folder).as_uri(),
        origin="default" if wanted.origin == "environment" else wanted.origin,
        local=sources.local,
        **_common(settings, sources.llm),
    )


def _common(settings: ProviderSettings, llm: LlmSettings) -> dict[str, Any]:
    """Return what is set for a provider wherever it is."""
    return {
        "options": settings.options,
        "prices": settings.prices,
        "deadlines": settings.deadlines or llm.deadlines,
        "retries": settings.retries or llm.retries,
        "circuit": settings.circuit or llm.circuit,
    }


def _key(settings: ProviderSettings, variables: tuple[str, ...], environ: Mapping[str, str]) -> str:
    if settings.api_key:
        return settings.api_key
    if settings.api_key_file:
        return read_key_file(Path(settings.api_key_file))
    return key_in_environment(variables, environ)


def _first_set(names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
