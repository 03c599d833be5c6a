"""Which models there are, and how the providers are: the last that was heard of each.

Nobody waits for a dead provider.  What is asked for is answered from the shelves at once, and a
shelf that is no longer fresh is restocked in the background; only the very first question waits,
for at most the time that one provider is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextvars import Context
from time import monotonic
from typing import Literal

from msgspec.structs import replace

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.providers.provider import Closes, Model, Provider

GRACE_SECONDS = 0.05
"""How long the one who finds a shelf stale waits for it: enough for a healthy local provider."""

UNHEALTHY_FRESH_SECONDS = 5.0
"""How soon a provider that was ill is looked at again when somebody asks: it may have been started since."""

Status = Literal["healthy", "unhealthy", "unknown"]


class Shelf:
    """What is known of one provider.

    Args:
        provider: Which.
        list_seconds: How long it may take to list its models.
        is_guest: Whether it is another machine's: nothing is sent there that does not name it.
    """

    def __init__(self, provider: Provider, list_seconds: float, *, is_guest: bool = False) -> None:
        self.provider = provider
        self.is_guest = is_guest
        self.list_seconds = list_seconds
        """How long the provider may take to list its models."""
        self.models: tuple[Model, ...] = ()
        """As last listed; a provider that is unhealthy now keeps them."""
        self.status: Status = "unknown"
        self.error = ""
        """Why it is unhealthy; empty when it is not."""
        self.latency_ms: int | None = None
        """How long the last successful list took."""
        self.names: dict[str, str] = {}
        """Each model's name, and what else it is called, to its name; empty for a guest."""
        self._checked_at = float("-inf")
        self._restocking: asyncio.Task[None] | None = None

    def age_seconds(self) -> float:
        """Return how long ago the provider was last asked; infinite before the first time."""
        return monotonic() - self._checked_at

    def restock(self) -> asyncio.Task[None]:
        """Ask the provider in the background; many askers share one question."""
        if self._restocking is None or self._restocking.done():
            # In a context of its own: it is no part of the request that happens to cause it.
            self._restocking = asyncio.create_task(self._restock(), context=Context())
        return self._restocking

    async def close(self) -> None:
        """Stop asking, and let the adapter go."""
        if self._restocking is not None:
            self._restocking.cancel()
            await asyncio.gather(self._restocking, return_exceptions=True)
        if isinstance(self.provider, Closes):
            await self.provider.close()

    async def _restock(self) -> None:
        started = monotonic()
        try:
            async with asyncio.timeout(self.list_seconds):
                models = await self.provider.list_models()
        except TimeoutError:
            self._found_unhealthy(f"{self.provider.name} has not listed its models within {self.list_seconds:g} s")
        except HecateError as exc:
            self._found_unhealthy(str(exc))
        else:
            self.models = models
            self.names = {} if self.is_guest else _names(models)
            self.status = "healthy"
            self.provider.upstream.circuit.seen_well()
            self.error = ""
            self.latency_ms = round((monotonic() - started) * 1000)
        self._checked_at = monotonic()

    def _found_unhealthy(self, why: str) -> None:
        self.status = "unhealthy"
        self.error = why


class Catalogue:
    """The shelves of all configured providers.

    Args:
        shelves: By name, in the order in which providers are preferred when several have a model.
        fresh_seconds: How old a shelf may be before it is restocked.
    """

    def __init__(self, shelves: Mapping[str, Shelf], fresh_seconds: float) -> None:
        self.shelves = shelves
        self._fresh_seconds = fresh_seconds

    def restock(self) -> None:
        """Ask every provider in the background."""
        for shelf in self.shelves.values():
            _ = shelf.restock()

    def models(self) -> list[Model]:
        """Return every known model, by provider, with those that share its name."""
        models = [model for shelf in self.shelves.values() for model in shelf.models]
        ids: dict[str, list[str]] = {}
        for model in models:
            ids.setdefault(model.name, []).append(model.id)
        if len(ids) == len(models):
            return models
        return [_beside(model, ids[model.name]) for model in models]

    def find(self, name: str) -> tuple[Provider, str] | None:
        """Return the first provider that lists *name*, and the model's full name there."""
        for shelf in self.shelves.values():
            full_name = shelf.names.get(name)
            if full_name is not None:
                return shelf.provider, full_name
        return None

    @staticmethod
    async def close(shelves: Iterable[Shelf]) -> None:
        """Stop asking the providers of *shelves*."""
        for shelf in shelves:
            await shelf.close()

    async def ask_all(self) -> None:
        """Ask every provider anew, and wait until each has answered or used up its time."""
        if self.shelves:
            await asyncio.wait([shelf.restock() for shelf in self.shelves.values()])

    async def look(self) -> None:
        """See that the shelves are fresh, as far as that can be had at once."""
        stale = [shelf for shelf in self.shelves.values() if self._is_stale(shelf)]
        if not stale:
            return
        tasks = [shelf.restock() for shelf in stale]
        first_time = [shelf.list_seconds for shelf in stale if shelf.status == "unknown"]
        await asyncio.wait(tasks, timeout=max(first_time, default=0.0) + GRACE_SECONDS)

    def _is_stale(self, shelf: Shelf) -> bool:
        fresh_seconds = self._fresh_seconds
        if shelf.status == "unhealthy":
            fresh_seconds = min(fresh_seconds, UNHEALTHY_FRESH_SECONDS)
        return shelf.age_seconds() > fresh_seconds

    async def search(self, name: str, *, at_most_seconds_old: float) -> tuple[Provider, str] | None:
        """Return as `find` does, but first ask every provider not asked within *at_most_seconds_old*.

        Waits no longer than until one of them has the model.
        """
        waiting = {shelf.restock() for shelf in self.shelves.values() if shelf.age_seconds() > at_most_seconds_old}
        while waiting:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if found := self.find(name):
                return found
        return self.find(name)


def _beside(model: Model, ids: list[str]) -> Model:
    return model if len(ids) == 1 else replace(model, also=tuple(other for other in ids if other != model.id))


def _names(models: Iterable[Model]) -> dict[str, str]:
    names: dict[str, str] = {}
    for model in models:
        # Ollama leaves the tag out when it is `latest`; Google lists `models/…` and takes both.
        for short in (model.name.removesuffix(":latest"), model.name.removeprefix("models/")):
            names.setdefault(short, model.name)
    return names | {model.name: model.name for model in models}
