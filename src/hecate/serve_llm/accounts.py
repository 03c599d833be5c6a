"""Which providers are configured: the settings and the environment, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.environment import key_in_environment, proxy_for, read_environment_file, read_key_file
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.provider import Account, ProviderKind
from hecate.serve_llm.settings import LlmSettings, ProviderSettings

FALLBACK_KIND = "openai"
"""What a provider with a name of its own is taken to speak."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the configuration of providers comes from; read anew for every reload."""

    llm: LlmSettings = field(default_factory=LlmSettings)
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def configured_accounts(sources: Sources) -> dict[str, Account]:
    """Return the accounts that can be used, by name: the contract's first.

    Raises:
        Invalid: A kind is unknown, an address is missing, or a file cannot be read.
    """
    environ = dict(sources.environ)
    if sources.llm.environment_file:
        environ |= read_environment_file(Path(sources.llm.environment_file))
    kinds = provider_kinds()
    accounts: dict[str, Account] = {}
    for name in (*kinds, *(name for name in sources.providers if name not in kinds)):
        if "/" in name:
            raise Invalid(f"provider {name!r}: a name must not hold a slash, which parts it from the model's")
        settings = sources.providers.get(name)
        if settings is not None and not settings.enabled:
            continue
        account = _account(name, settings or ProviderSettings(), _kind_of(name, settings, kinds), sources.llm, environ)
        if account is not None:
            accounts[name] = account
        elif settings is not None and name not in kinds:
            raise Invalid(f"provider {name!r} needs a base_url")
    return accounts


def _kind_of(name: str, settings: ProviderSettings | None, kinds: Mapping[str, ProviderKind]) -> ProviderKind:
    asked = settings.kind if settings is not None else ""
    kind = kinds.get(asked or name) or (None if asked else kinds.get(FALLBACK_KIND))
    if kind is None:
        raise Invalid(f"provider {name!r} is of an unknown kind {asked!r}; there are: {', '.join(kinds)}")
    return kind


def _account(
    name: str, settings: ProviderSettings, kind: ProviderKind, llm: LlmSettings, environ: Mapping[str, str]
) -> Account | None:
    """Return the account, or None where nothing says that this provider is to be used."""
    # The variables of a kind belong to the provider of that name; `[providers.other] kind = "openai"`
    # must not send OpenAI's key to another server.
    owns_variables = name == kind.name
    given_url = settings.base_url or (_first_set(kind.base_url_variables, environ) if owns_variables else "")
    key = _key(
        settings, kind.key_variables if owns_variables else (f"{name.upper().replace('-', '_')}_API_KEY",), environ
    )
    if not given_url and (not owns_variables or (kind.needs_key and not key)):
        return None
    base_url = _checked(name, kind.address(given_url or kind.base_url).rstrip("/"))
    return Account(
        name=name,
        kind=kind.name,
        base_url=base_url,
        api_key=key,
        headers=settings.headers,
        proxy=settings.proxy or proxy_for(base_url, environ),
        models=settings.models,
        options=settings.options,
        prices=settings.prices,
        deadlines=settings.deadlines or llm.deadlines,
        retries=settings.retries or llm.retries,
        circuit=settings.circuit or llm.circuit,
    )


def _checked(name: str, base_url: str) -> str:
    try:
        url = URL(base_url)
    except ValueError as exc:
        raise Invalid(f"provider {name!r} has an address that is none: {exc}") from exc
    if url.scheme not in {"http", "https"} or not url.host:
        raise Invalid(f"provider {name!r} needs a base_url that begins with http:// or https://, not {base_url!r}")
    return base_url


def _key(settings: ProviderSettings, variables: tuple[str, ...], environ: Mapping[str, str]) -> str:
    if settings.api_key:
        return settings.api_key
    if settings.api_key_file:
        return read_key_file(Path(settings.api_key_file))
    return key_in_environment(variables, environ)


def _first_set(names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
