"""What the daemon serves, put together: the engine, the models, and the routes to both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import apsw
import structlog

from hecate import catalog
from hecate.daemon.config import Configuration
from hecate.daemon.errors import CannotStart, ConfigurationWrong
from hecate.daemon.feeds import end_with
from hecate.daemon.lifetime import Given
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import HecateError, Invalid, Unavailable
from hecate.dossiers.policies import Policy, PolicyRunner
from hecate.endpoints import Raw, Route, Services
from hecate.report_health import Uptime
from hecate.rest.app import Application
from hecate.rest.desk_routes import desk_routes
from hecate.rest.item_list_routes import item_list_routes
from hecate.rest.openapi import openapi_route
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.added_providers import FILE_NAME, AddedProviders
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.usage_ledger import Ledger
from hecate.serve_llm.usage_spans import open_spans
from hecate.serve_llm.usage_store import DATABASE_NAME, UsageStore

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_TRIES = 5.0


class HecateAssembly:
    """The open engine and gateway, behind one ASGI application."""

    def __init__(self, engine: Engine, gateway: Gateway, routes: Sequence[Route]) -> None:
        self._engine = engine
        self._gateway = gateway
        self._stopping = asyncio.Event()
        services = Services()
        for service in (engine, gateway, Uptime()):
            services.add(service)
        self.application = Application([end_with(self._stopping, route) for route in routes], services)

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
            shelf.error or f"{name}: {len(shelf.models)} models" for name, shelf in shelves.items() if shelf is not None
        ]

    async def reload(self, configuration: Configuration) -> None:
        """Use *configuration*'s gates, models, providers and budgets from now on.

        Raises:
            ConfigurationWrong: A provider's table is wrong; everything stays as it was.
        """
        try:
            await self._gateway.providers.reload()
        except Invalid as exc:
            raise ConfigurationWrong(str(exc)) from exc
        self._gateway.ledger.configure(configuration.usage, configuration.budgets)
        self._engine.strict_gates = _strict(configuration)

    async def is_sound(self) -> bool:
        """Return whether the store takes commands and answers questions."""
        if self._engine.store.writer.doubt:
            return False
        await self._engine.store.read(lambda db: db.execute("SELECT 1").fetchone())
        return True

    def end_feeds(self) -> None:
        """End the streams of events."""
        self._stopping.set()


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
    try:
        routes = (*found.routes, *desk_routes(found), *item_list_routes(found))
        routes = (*routes, openapi_route(routes))
        policies = asyncio.create_task(_follow_policies(engine, found.policies))
        try:
            async with _traces(given, gateway.ledger), gateway:
                await _record_usage(given, gateway.ledger)
                yield HecateAssembly(engine, gateway, routes)
        finally:
            policies.cancel()
            with suppress(asyncio.CancelledError):
                await policies
    finally:
        # In a thread again: the last commit must not hold up what else ends.
        await asyncio.to_thread(engine.close)


def _gateway(given: Given) -> Gateway:
    def read_sources() -> Sources:
        """Read the configuration of the providers, now and for every reload."""
        try:
            configuration = given.read_again()
        except ConfigurationWrong as exc:
            raise Invalid(str(exc)) from exc
        return Sources(configuration.llm, configuration.providers, os.environ)

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


async def _follow_policies(engine: Engine, policies: Sequence[Policy]) -> None:
    """Run *policies*, again and again if need be: without them the daemon still serves."""
    while policies:
        try:
            await PolicyRunner(engine, policies).run()
        except Exception:
            log.exception("policies failed", again_in_seconds=SECONDS_BETWEEN_TRIES)
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)


def _strict(configuration: Configuration) -> bool:
    return configuration.lifecycle.gates == "strict"
