"""Keeps the applications running that are recorded as running, from the daemon's start to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hecate.deploy_division import PROCESS
from hecate.deploy_division.application_facts import wanted_application
from hecate.deploy_division.applications import applications_of
from hecate.dossiers.engine import Engine
from hecate.endpoints import Background

if TYPE_CHECKING:
    import apsw

    from hecate.deploy_division.application_facts import ApplicationStarted
    from hecate.endpoints import Services

EVER_STARTED = "SELECT DISTINCT stream FROM events WHERE type = 'application_started_v1'"


async def supervise(services: Services) -> None:
    """Start what ran when the daemon ended; from then on each looks after itself.  At the end, stop all."""
    engine, applications = services.get(Engine), applications_of(services)

    def wanted(db: apsw.Connection) -> dict[str, ApplicationStarted]:
        streams = [str(stream) for (stream,) in db.execute(EVER_STARTED)]
        dossiers = [engine.rehydrate(db, PROCESS, stream.removeprefix(f"{PROCESS.noun}-")) for stream in streams]
        found = {dossier.subject_id: wanted_application(dossier) for dossier in dossiers if dossier.state != "archived"}
        return {division_id: started for division_id, started in found.items() if started is not None}

    try:
        async with asyncio.TaskGroup() as group:
            for division_id, started in (await engine.store.read(wanted)).items():
                group.create_task(applications.keep(division_id, started))
        await asyncio.Event().wait()
    finally:
        await applications.stop_all()


BACKGROUND = Background("applications", supervise)
