"""Changes the providers in use while the daemon runs: all at once, or one by one.

Each change is made anew and put in place in one step; chats that are running keep the adapters that
they began with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hecate.dossiers.errors import Invalid, NotFound
from hecate.serve_llm.accounts import lacking
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.in_use import Changes, InUse, changes, prepared, with_guests
from hecate.serve_llm.settings import ProviderSettings

if TYPE_CHECKING:
    from hecate.serve_llm.accounts import Sources
    from hecate.serve_llm.added_providers import AddedProviders
    from hecate.serve_llm.connections import Connections
    from hecate.serve_llm.providers.provider import Provider

Hide = Callable[[Iterable[str]], None]


def no_log(_: Iterable[str]) -> None:
    """Hide nothing: for where nobody keeps a log."""


class ProvidersInUse:
    """What is in use now, and the ways to change it, one change after the other.

    Args:
        read_sources: Gives the settings and the environment as they are now.
        added: Keeps what is added and removed.
        connections: The gateway's pool.
        hide: Keeps keys out of the log from now on.

    Raises:
        Invalid: The settings of a provider are wrong.
    """

    def __init__(
        self, read_sources: Callable[[], Sources], added: AddedProviders, connections: Connections, hide: Hide
    ) -> None:
        self._read_sources = read_sources
        self._added = added
        self._connections = connections
        self._hide = hide
        self._changing = asyncio.Lock()
        self.now = InUse.nothing()
        self.now = self._prepared(self._sources())

    async def reload(self) -> Changes:
        """Read all settings again, use them from now on, and see how the providers are.

        Raises:
            Invalid: They are wrong; everything stays as it was.
        """
        async with self._changing:
            made = await self._replace(self._prepared(self._sources()))
        await self.now.catalogue.ask_all()
        return made

    async def add(self, name: str, settings: ProviderSettings, *, even_if_ill: bool = False) -> Changes:
        """Use a provider from now on, and after every start, once it has answered.

        Args:
            name: The provider's; what was added under it before is replaced.
            settings: What they leave out comes from the configuration and the environment.
            even_if_ill: Whether it is added even if it does not answer.

        Raises:
            Invalid: The settings are wrong, or a key is missing.
            ProviderFailed: It does not answer, or refuses the key; nothing has changed.
            Unavailable: It cannot be written down; nothing has changed.
        """
        async with self._changing:
            added = {**self._added.read(), name: settings}
            now = self._prepared(self.now.sources.with_added(added))
            if name not in now.accounts:
                raise Invalid(lacking(name, now.sources))
            shelf = now.catalogue.shelves[name]
            await shelf.restock()
            if shelf.error and not even_if_ill:
                raise ProviderFailed(f"{name} was not added: {shelf.error}", provider=name)
            await asyncio.to_thread(self._added.write, added)
            return await self._replace(now)

    async def remove(self, name: str) -> Changes:
        """Use a provider no more, neither now nor after the next start, until it is added again.

        Raises:
            NotFound: There is none.
            Unavailable: It cannot be written down; nothing has changed.
        """
        async with self._changing:
            if name not in self.now.accounts:
                raise NotFound(f"there is no provider {name!r}")
            added = {other: settings for other, settings in self._added.read().items() if other != name}
            now = self._prepared(self.now.sources.with_added(added))
            if name in now.accounts:
                # The configuration or the environment has it, too.
                added[name] = ProviderSettings(enabled=False)
                now = self._prepared(self.now.sources.with_added(added))
            await asyncio.to_thread(self._added.write, added)
            return await self._replace(now)

    async def welcome(self, guests: Iterable[Provider]) -> None:
        """Use the models of *guests* beside those of the providers from now on, and of no guests but these."""
        async with self._changing:
            now = with_guests(self.now, guests)
            await self._replace(now)
        for shelf in now.guests.values():
            if shelf.status == "unknown":
                _ = shelf.restock()

    def _sources(self) -> Sources:
        return self._read_sources().with_added(self._added.read())

    def _prepared(self, sources: Sources) -> InUse:
        now = prepared(sources, self.now, self._connections)
        self._hide(now.secrets())
        return now

    async def _replace(self, now: InUse) -> Changes:
        former, self.now = self.now, now
        kept = set(now.catalogue.shelves.values())
        await former.catalogue.close(shelf for shelf in former.catalogue.shelves.values() if shelf not in kept)
        return changes(former, now)
