"""The models that are loaded: one process for each, as many as may be, each for as long as it is used."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from time import monotonic

import structlog

from hecate.dossiers.errors import Unavailable
from hecate.serve_llm.providers.local_files import ModelFile
from hecate.serve_llm.providers.local_process import ModelProcess
from hecate.serve_llm.settings import LocalSettings

log = structlog.get_logger(__name__)


class LoadedModels:
    """Loads a model for the first who asks, and unloads it when it has been idle.

    Args:
        settings: How many, and for how long.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._places: dict[str, _Place] = {}
        """By the model's name."""
        self._line = asyncio.Lock()
        """Those who ask are served one after the other, so that a model that is always busy cannot keep others out."""
        self._freed = asyncio.Event()
        self._closed = False
        self._unloading: set[asyncio.Task[None]] = set()

    async def lease(self, file: ModelFile) -> Lease:
        """Return the process that serves *file*; it stays until the lease is left.

        Waits until there is a place for the model, and then until it is loaded.

        Raises:
            ModelNotLoaded: It cannot be loaded.
            Unavailable: The provider is being closed.
        """
        place = await self._place_for(file)
        try:
            # Whoever goes away leaves the others waiting for the same.
            return Lease(self, place, await asyncio.shield(place.loading))
        except BaseException:
            self.left(place)
            raise

    def left(self, place: _Place) -> None:
        """Say that one of those who use *place* does so no more."""
        place.users -= 1
        place.idle_since = monotonic()
        self._look_at(place)

    async def close(self) -> None:
        """Load nothing more; unload what is idle now, and the rest when its users are done."""
        self._closed = True
        self._freed.set()
        for place in tuple(self._places.values()):
            self._unload_idle(place)
        await asyncio.gather(*self._unloading)

    async def _place_for(self, file: ModelFile) -> _Place:
        async with self._line:
            while (place := self._places.get(file.name)) is None:
                if self._closed:
                    raise Unavailable("no model is loaded any more: the provider is being closed")
                if len(self._places) < self._settings.most_loaded:
                    place = self._places[file.name] = _Place(file, self._settings)
                    place.loading.add_done_callback(partial(self._loaded, place), context=Context())
                    break
                idle = [place for place in self._places.values() if not place.users]
                if idle:
                    # First out, then in: both together may be more than there is room for.
                    await asyncio.shield(self._unload(min(idle, key=lambda place: place.idle_since)))
                else:
                    self._freed.clear()
                    await self._freed.wait()
            place.users += 1
            return place

    def _loaded(self, place: _Place, loading: asyncio.Task[ModelProcess]) -> None:
        if loading.cancelled() or loading.exception() is not None:
            self._forget(place)
        else:
            log.info("model loaded", model=place.file.name, seconds=round(monotonic() - place.began, 1))
            place.watching = asyncio.create_task(self._watch(place, loading.result()))
            self._look_at(place)

    async def _watch(self, place: _Place, process: ModelProcess) -> None:
        how = await process.ended()
        if self._places.get(place.file.name) is place:
            log.warning("model lost", model=place.file.name, reason=how)
            self._forget(place)

    def _look_at(self, place: _Place) -> None:
        """See whether *place* is idle, and how long it may yet be."""
        if place.users or self._places.get(place.file.name) is not place:
            return
        self._freed.set()
        if self._closed:
            _ = self._unload(place)
            return
        if place.timer is not None:
            place.timer.cancel()
        loop = asyncio.get_running_loop()
        place.timer = loop.call_later(self._settings.idle_seconds, self._unload_idle, place, context=Context())

    def _unload_idle(self, place: _Place) -> None:
        if not place.users:
            _ = self._unload(place)

    def _unload(self, place: _Place) -> asyncio.Task[None]:
        self._forget(place)
        task = asyncio.create_task(_end(place))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)
        return task

    def _forget(self, place: _Place) -> None:
        if self._places.get(place.file.name) is place:
            del self._places[place.file.name]
            self._freed.set()
        if place.timer is not None:
            place.timer.cancel()


@dataclass(frozen=True, slots=True)
class Lease:
    """The use of a loaded model."""

    _models: LoadedModels
    _place: _Place
    process: ModelProcess

    def leave(self) -> None:
        """Use it no more; to be called once."""
        self._models.left(self._place)


class _Place:
    """Room for one model: from the beginning of its loading to its end."""

    __slots__ = ("began", "file", "idle_since", "loading", "timer", "users", "watching")

    def __init__(self, file: ModelFile, settings: LocalSettings) -> None:
        self.file = file
        self.users = 0
        self.began = self.idle_since = monotonic()
        # In a context of its own: it is no part of the request that happens to cause it.
        self.loading = asyncio.create_task(ModelProcess.start(file, settings), context=Context())
        self.timer: asyncio.TimerHandle | None = None
        self.watching: asyncio.Task[None] | None = None


async def _end(place: _Place) -> None:
    place.loading.cancel()
    for process in await asyncio.gather(place.loading, return_exceptions=True):
        if isinstance(process, ModelProcess):
            await process.end()
            log.info("model unloaded", model=place.file.name)
