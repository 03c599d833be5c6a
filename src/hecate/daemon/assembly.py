"""What the daemon serves, put together: the engine, the models, and the routes to both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import apsw
import structlog
from msgspec import Struct

from hecate import catalog
from hecate.child_processes.strays import mark_of_store
from hecate.daemon.asking import AskThroughGateway
from hecate.daemon.background import in_the_background
from hecate.daemon.config import Configuration
from hecate.daemon.errors import CannotStart, ConfigurationWrong
from hecate.daemon.feeds import FeedsEnd, end_with
from hecate.daemon.job_confinement import confinement_of
from hecate.daemon.lifetime import Given
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import HecateError, Invalid, Unavailable
from hecate.dossiers.policies import PolicyRunner
from hecate.endpoints import Background, Raw, Restriction, Route, Services
from hecate.jobs.job import Surroundings
from hecate.jobs.runner import JobRunner
from hecate.join_mesh.mesh import Mesh
from hecate.report_health import Uptime
from hecate.rest.app import Application
from hecate.rest.desk_routes import desk_routes
from hecate.rest.item_list_routes import item_list_routes
from hecate.rest.openapi import openapi_route
from hecate.restrict_geography.geography import Geography
from hecate.restrict_geography.settings import GeoSettings
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.added_providers import FILE_NAME, AddedProviders
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.usage_ledger import Ledger
from hecate.serve_llm.usage_spans import open_spans
from hecate.serve_llm.usage_store import DATABASE_NAME, UsageStore

log = structlog.get_logger(__name__)


class HecateAssembly:
    """The open engine and gateway, behind one ASGI application."""

    def __init__(
        self, engine: Engine, gateway: Gateway, jobs: JobRunner, services: Services, routes: Sequence[Route]
    ) -> None:
        self._engine = engine
        self._gateway = gateway
        self._jobs = jobs
        self._services = services
        self._feeds_end = FeedsEnd()
        self.application = Application([end_with(self._feeds_end, route) for route in routes], services)
        services.get(Restriction).watchers.append(self._feeds_end.come)

    def refusal(self, path: str, error: HecateError) -> Raw:
        """Return how *error* is said to a caller of *path*, who may speak another API."""
        return self.application.refusal(path, error)

    def provider_names(self) -> Sequence[str]:
        """Return the providers in use."""
        return self._gateway.configured

    async def describe_providers(self) -> Sequence[str]:
        """Return for each provider in use how many models it has, or why it fails."""
        shelves = await self._gateway.shelves()
        return [
            shelf.error or f"{name}: {len(shelf.models)} model{'s' * (len(shelf.models) != 1)}"
            for name, shelf in shelves.items()
            if shelf is not None
        ]

    async def reload(self, configuration: Configuration) -> None:
        """Use *configuration*'s gates, models, providers, budgets, countries and mesh from now on.

        Raises:
            ConfigurationWrong: A provider's table is wrong; everything stays as it was.
        """
        try:
            await self._gateway.providers.reload()
        except Invalid as exc:
            raise ConfigurationWrong(str(exc)) from exc
        self._gateway.ledger.configure(configuration.usage, configuration.budgets)
        self._engine.strict_gates = _strict(configuration)
        await self._services.get(Geography).use(configuration.geo)
        await self._services.get(Mesh).use(configuration.mesh)

    async def is_sound(self) -> bool:
        """Return whether the store takes commands and answers questions."""
        if self._engine.store.writer.doubt:
            return False
        await self._engine.store.read(lambda db: db.execute("SELECT 1").fetchone())
        return True

    def end_feeds(self) -> None:
        """End the streams of events, and the jobs, since requests may wait for them."""
        self._feeds_end.come_for_good()
        self._jobs.stop()


@asynccontextmanager
async def assemble(given: Given) -> AsyncIterator[HecateAssembly]:
    """Open the store and everything that works with it; close it all at the end.

    Raises:
        CannotStart: The store is damaged, or the disk refuses.
        ConfigurationWrong: A provider's table is wrong.
    """
    found = catalog.find()
    # The gateway first: what is wrong with the providers is found before the store is touched.
    gateway = _gateway(given)
    engine = await _engine(given, found)
    async with AsyncExitStack() as stack:
        # In a thread again: the last commit must not hold up what else ends.
        stack.push_async_callback(asyncio.to_thread, engine.close)
        services = _services(given, engine, gateway)
        await stack.enter_async_context(_traces(given, gateway.ledger))
        await stack.enter_async_context(gateway)
        await _record_usage(given, gateway.ledger)
        jobs = await stack.enter_async_context(JobRunner(services.get(Surroundings)))
        services.add(jobs)
        routes = (*found.routes, *desk_routes(found), *item_list_routes(found))
        assembly = HecateAssembly(engine, gateway, jobs, services, (*routes, openapi_route(routes)))
        await _restrict(given, services)
        # Last, and so the first to end.
        await stack.enter_async_context(in_the_background(services, (_policies(found), *found.backgrounds)))
        yield assembly


def _services(given: Given, engine: Engine, gateway: Gateway) -> Services:
    """Return what endpoints and background work find by its class: the settings of each feature are among it."""
    services = Services()
    configuration = given.configuration
    for name in configuration.__struct_fields__:
        if isinstance(settings := getattr(configuration, name), Struct):
            services.add(settings)
    surroundings = Surroundings(
        engine=engine,
        services=services,
        asks=AskThroughGateway(gateway, services),
        data_dir=given.data.path,
        store_mark=mark_of_store(given.data.path),
        jobs=configuration.jobs,
        workspaces=configuration.workspaces,
        confinement=confinement_of(configuration),
    )
    mesh = Mesh(configuration.mesh, engine.store, gateway)
    for service in (engine, gateway, Uptime(), surroundings, mesh, given.door):
        services.add(service)
    return services


async def _restrict(given: Given, services: Services) -> None:
    """Find out whether the API may answer here, before the first request comes."""

    def read_settings() -> GeoSettings:
        """Read ``[geo]`` for a reload."""
        try:
            return given.read_again().geo
        except ConfigurationWrong as exc:
            raise Invalid(str(exc)) from exc

    geography = Geography(given.configuration.geo, read_settings, os.environ, services.get(Restriction))
    await geography.begin()
    services.add(geography)
    mesh = services.get(Mesh)
    mesh.address_watchers.append(geography.peers_see)
    mesh.restriction = services.get(Restriction)


def _policies(found: catalog.Catalog) -> Background:
    async def follow(services: Services) -> None:
        if found.policies:
            await PolicyRunner(services.get(Engine), found.policies).run()

    return Background("policies", follow)


def _gateway(given: Given) -> Gateway:
    def read_sources() -> Sources:
        """Read the configuration of the providers, now and for every reload."""
        try:
            configuration = given.read_again()
        except ConfigurationWrong as exc:
            raise Invalid(str(exc)) from exc
        return Sources(configuration.llm, configuration.providers, os.environ, local=configuration.local)

    ledger = Ledger(given.configuration.usage, given.configuration.budgets)
    added = AddedProviders(given.data.path / FILE_NAME)
    try:
        return Gateway(read_sources, ledger, added=added, hide=given.hide)
    except Invalid as exc:
        raise ConfigurationWrong(str(exc)) from exc


@asynccontextmanager
async def _traces(given: Given, ledger: Ledger) -> AsyncIterator[None]:
    """Send traces, if anybody wants them, of what *ledger* is told; the last ones at the end."""
    spans = await asyncio.to_thread(open_spans, given.configuration.telemetry.otlp_endpoint, os.environ)
    if spans is None:
        yield
        return
    ledger.watchers.append(spans.tell)
    try:
        yield
    finally:
        await asyncio.to_thread(spans.close)


async def _record_usage(given: Given, ledger: Ledger) -> None:
    path = given.data.path / DATABASE_NAME
    try:
        await ledger.record_in(await asyncio.to_thread(UsageStore.open, path))
    except Unavailable as exc:
        raise CannotStart(str(exc)) from exc
    except (apsw.Error, OSError) as exc:
        raise CannotStart(f"cannot open the record of usage {path}: {exc}") from exc


async def _engine(given: Given, found: catalog.Catalog) -> Engine:
    try:
        # In a thread: an old store may take a while to be brought up to date, and signals must get through.
        return await asyncio.to_thread(
            Engine.open,
            given.data.database,
            found.desks,
            read_models=found.read_models,
            upcasters=found.upcasters,
            strict_gates=_strict(given.configuration),
        )
    except Unavailable as exc:
        raise CannotStart(str(exc)) from exc
    except (apsw.Error, OSError) as exc:
        raise CannotStart(f"cannot open the store {given.data.database}: {exc}") from exc


def _strict(configuration: Configuration) -> bool:
    return configuration.lifecycle.gates == "strict"
