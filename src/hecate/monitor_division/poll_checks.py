"""In the background: polls the registered checks of every division whose monitoring is active."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from hecate.dossiers.engine import Engine, Order
from hecate.dossiers.read_model import Actor, Meta
from hecate.endpoints import Background, Services
from hecate.jobs.job import Surroundings
from hecate.monitor_division import PROCESS
from hecate.monitor_division.monitor_settings import MonitorSettings
from hecate.monitor_division.poller import Poller
from hecate.monitor_division.probes import Probes
from hecate.monitor_division.record_status import DESK as RECORD_STATUS, RecordStatus
from hecate.monitor_division.samples_recorder import SamplesRecorder
from hecate.monitor_division.samples_store import DATABASE_NAME, SamplesStore
from hecate.monitor_division.watched_checks import (
    OF_CHECKS,
    OF_LIFECYCLE,
    Changes,
    WatchedCheck,
    all_watched,
    changes_after,
    trailing_failures,
)

if TYPE_CHECKING:
    from hecate.dossiers.event_store import EventStore

NAME = "poll_checks"

log = structlog.get_logger(__name__)


async def poll_checks(services: Services) -> None:
    """Poll, from what is recorded and as it changes, until cancelled."""
    engine, settings = services.get(Engine), services.get(MonitorSettings)
    path = engine.store.path.with_name(DATABASE_NAME)
    recorder = SamplesRecorder(await asyncio.to_thread(SamplesStore.open, path), settings)
    async with Probes(services.get(Surroundings)) as probes, asyncio.TaskGroup() as group:
        poller = Poller(settings, probe=probes.poll, take=recorder.take, report=partial(_report, engine))
        group.create_task(recorder.run())
        group.create_task(poller.run())
        group.create_task(follow(engine.store, poller))


async def follow(store: EventStore, poller: Poller) -> None:
    """Have *poller* poll what is to be polled, now and after each change."""
    with store.watching((*OF_CHECKS, *OF_LIFECYCLE)) as watch:
        await watch.wait()
        changes = await store.read(all_watched)
        position = changes.position
        await _heed(store, poller, changes, at_once=False)
        if len(poller):
            log.info("checks are polled", checks=len(poller))
        while True:
            if not changes.more:
                await watch.wait()
            head = store.head
            changes = await store.read(partial(changes_after, position=position))
            await _heed(store, poller, changes, at_once=True)
            # What does not concern us is passed over in one step.
            position = changes.position if changes.more else max(head, changes.position)


async def _heed(store: EventStore, poller: Poller, changes: Changes, *, at_once: bool) -> None:
    for check_id in changes.unwatched:
        poller.unwatch(check_id)
    new = [check for check in changes.watched if not poller.is_watched(check.check_id)]
    failures = await store.read(lambda db: trailing_failures(db, new)) if new else {}
    for check in changes.watched:
        poller.watch(check, failures=failures.get(check.check_id, 0), at_once=at_once)


async def _report(engine: Engine, check: WatchedCheck, command: RecordStatus) -> None:
    await engine.handle(
        Order(
            process=PROCESS,
            desk=RECORD_STATUS,
            command=command,
            subject_id=check.division_id,
            meta=Meta(actor=Actor(policy=NAME)),
        )
    )


BACKGROUND = Background(NAME, poll_checks)
