"""The providers in use: all that a change replaces, as one value, and what a change has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from hecate.serve_llm.accounts import Sources, configured_accounts
from hecate.serve_llm.catalogue import Catalogue, Shelf
from hecate.serve_llm.providers import provider_kinds
from hecate.serve_llm.providers.provider import Account, Provider
from hecate.serve_llm.routing import Routing
from hecate.serve_llm.upstream import Upstream

if TYPE_CHECKING:
    from hecate.serve_llm.connections import Connections


@dataclass(frozen=True, slots=True)
class InUse:
    """The providers; a chat sees either all of the old or all of the new."""

    sources: Sources
    accounts: Mapping[str, Account]
    catalogue: Catalogue
    routing: Routing
    guests: Mapping[str, Shelf] = field(default_factory=dict)
    """Providers that are no accounts of ours but come and go, such as peers of the mesh; an account of the same name
    goes first."""

    def secrets(self) -> tuple[str, ...]:
        """Return all that must not be seen: keys, and headers, since they may hold some."""
        accounts = self.accounts.values()
        return tuple(secret for account in accounts for secret in (account.api_key, *account.headers.values()))

    @classmethod
    def nothing(cls) -> InUse:
        """Return what is in use before anything was read."""
        sources, catalogue = Sources(), Catalogue({}, 1.0)
        return cls(sources, {}, catalogue, Routing(catalogue, sources.llm, frozenset()))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a change has changed, as names of providers."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    """For each provider that is another now, the names of the settings that are."""


def prepared(sources: Sources, former: InUse, connections: Connections) -> InUse:
    """Return what *sources* say, with the guests of *former* and its shelves whose accounts are still the same.

    Raises:
        Invalid: The settings of a provider are wrong.
    """
    accounts = configured_accounts(sources)
    shelves: dict[str, Shelf] = {}
    for name, account in accounts.items():
        is_same = former.accounts.get(name) == account
        shelves[name] = former.catalogue.shelves[name] if is_same else _shelf(account, connections)
    return _put_together(sources, accounts, shelves, former.guests)


def with_guests(now: InUse, guests: Iterable[Provider]) -> InUse:
    """Return *now* with *guests* and no others; who was there before keeps its shelf."""
    shelves = {}
    for guest in guests:
        former = now.guests.get(guest.name)
        is_same = former is not None and former.provider is guest
        list_seconds = guest.upstream.account.deadlines.list_seconds
        shelves[guest.name] = former if former and is_same else Shelf(guest, list_seconds, is_guest=True)
    own = {name: now.catalogue.shelves[name] for name in now.accounts}
    return _put_together(now.sources, now.accounts, own, shelves)


def _put_together(
    sources: Sources, accounts: Mapping[str, Account], own: Mapping[str, Shelf], guests: Mapping[str, Shelf]
) -> InUse:
    catalogue = Catalogue({**own, **guests, **own}, sources.llm.models_fresh_seconds)
    unconfigured = frozenset(provider_kinds()).difference(accounts)
    return InUse(sources, accounts, catalogue, Routing(catalogue, sources.llm, unconfigured), guests)


def changes(former: InUse, now: InUse) -> Changes:
    """Return what is another in *now* than in *former*."""
    both = [name for name in now.accounts if name in former.accounts]
    differing = {name: _differing(former.accounts[name], now.accounts[name]) for name in both}
    return Changes(
        added=tuple(name for name in now.accounts if name not in former.accounts),
        removed=tuple(name for name in former.accounts if name not in now.accounts),
        changed={name: fields for name, fields in differing.items() if fields},
    )


def _differing(former: Account, now: Account) -> tuple[str, ...]:
    compared = (field.name for field in fields(Account) if field.compare)
    return tuple(name for name in compared if getattr(former, name) != getattr(now, name))


def _shelf(account: Account, connections: Connections) -> Shelf:
    kind = provider_kinds()[account.kind]
    upstream = Upstream(account, connections, kind.authorize(account.api_key))
    return Shelf(kind.adapter(account, upstream), account.deadlines.list_seconds)
