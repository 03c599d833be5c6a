"""The applications that the daemon supervises: one a division, each from a release.

They end with the daemon, and are started again at its next start, see `hecate.deploy_division.supervise_applications`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from hecate.child_processes import strays
from hecate.deploy_division import PROCESS
from hecate.deploy_division.application import Application, Plan
from hecate.deploy_division.application_facts import ApplicationStarted, Started, last_start
from hecate.deploy_division.application_log import ApplicationLog
from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.deploy_division.ports import check_port, free_port
from hecate.deploy_division.record_application import RECORD, RecordApplication
from hecate.dossiers.engine import Order
from hecate.dossiers.errors import HecateError, Unavailable
from hecate.dossiers.read_model import Actor, Meta
from hecate.jobs.job import Surroundings

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.engine import Engine
    from hecate.endpoints import Services

READY_SECONDS = 30.0
"""How long an application may take until it listens, where nothing else was said."""
LONGEST_LOG = 5000
ACTOR = "supervise_applications"

log = structlog.get_logger(__name__)


class Applications:
    """Starts and stops them; for the event loop's thread only.

    Args:
        engine: Where it is recorded that one has failed.
        data_dir: What they keep is in ``services``, each in a folder of its division's id.
        releases: Where the releases are, in the same way.
        store_mark: Of all child processes of this daemon.
        settings: How patient we are.
    """

    def __init__(
        self, engine: Engine, *, data_dir: Path, releases: Path, store_mark: str, settings: DeploySettings
    ) -> None:
        self._engine = engine
        self._folder = data_dir / "services"
        self._releases = releases
        self._store_mark = store_mark
        self._settings = settings
        self._applications: dict[str, Application] = {}
        self._are_over = False
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, division_id: str) -> Application | None:
        """Return the application of a division as it stands; None: it was not started since the daemon was."""
        return self._applications.get(division_id)

    def processes_of(self, division_id: str) -> list[int]:
        """Return the ids of its processes; it asks the system, and so belongs into a thread."""
        return strays.marked(self._mark_of(division_id))

    def last_lines(self, division_id: str, count: int) -> list[str]:
        """Return the last lines that it has printed; it reads files, and so belongs into a thread."""
        return ApplicationLog(self._folder / division_id / "output.log").last(count)

    async def start(
        self, division_id: str, started: Started, ready_seconds: float = READY_SECONDS, *, patient: bool = False
    ) -> Started:
        """Start the application of a division, in place of the one that runs; return what is to be recorded.

        Args:
            division_id: Whose.
            started: What is to run; its port may be 0, for any that is free.
            ready_seconds: How long it may take until it listens.
            patient: Whether more than one attempt is made.

        Raises:
            Refused: The port cannot be had, or it does not come to listen on it.
            Unavailable: The daemon stops.
        """
        async with self._turns[division_id]:
            await self._stop(division_id)
            # Whatever has become of an earlier one: two must never work on the same files.
            await asyncio.to_thread(strays.end, self._mark_of(division_id))
            if self._are_over:
                raise Unavailable("the daemon stops, and starts no application any more")
            port = started.port or free_port()
            check_port(port)
            plan = Plan(
                release=self._releases / division_id / started.version,
                version=started.version,
                command=started.command,
                port=port,
                ready_seconds=ready_seconds,
            )
            is_up = False

            async def gave_up(reason: str) -> None:
                # Until it is up, whoever starts it is told, and records it.
                if is_up:
                    await self._record_failure(division_id, reason)

            application = Application(
                plan,
                self._folder / division_id,
                self._mark_of(division_id),
                self._settings,
                gave_up,
                patient=patient,
            )
            self._applications[division_id] = application
            await application.start()
            is_up = True
            return Started(version=started.version, command=started.command, port=port)

    async def keep(self, division_id: str, wanted: ApplicationStarted) -> None:
        """Start what is recorded as running, unless it runs, and never give up but as supervision does."""
        if (application := self.of(division_id)) is not None and application.state in {
            "starting",
            "running",
            "waiting",
        }:
            return
        try:
            await self.start(division_id, Started(wanted.version, wanted.command, wanted.port), patient=True)
        except Unavailable:
            pass  # it is started with the next daemon
        except HecateError as exc:
            await self._record_failure(division_id, str(exc))

    async def stop(self, division_id: str) -> None:
        """Stop the application of a division, if it runs."""
        async with self._turns[division_id]:
            await self._stop(division_id)

    async def stop_all(self) -> None:
        """Stop all of them for good; what is recorded of them stays."""
        self._are_over = True
        await asyncio.gather(*(application.stop() for application in self._applications.values()))

    async def _stop(self, division_id: str) -> None:
        if (application := self._applications.get(division_id)) is not None:
            await application.stop()

    def _mark_of(self, division_id: str) -> str:
        return f"{self._store_mark}/service-{division_id}/"

    async def _record_failure(self, division_id: str, reason: str) -> None:
        log.warning("an application has failed", division=division_id, reason=reason)
        order = Order(
            process=PROCESS,
            desk=RECORD,
            command=RecordApplication(became="failed", reason=reason),
            subject_id=division_id,
            meta=Meta(actor=Actor(policy=ACTOR)),
        )
        try:
            await self._engine.handle(order)
        except HecateError as exc:
            log.error("the failure of an application is not recorded", division=division_id, error=str(exc))  # noqa: TRY400 - no bug


def applications_of(services: Services) -> Applications:
    """Return the daemon's one `Applications`, which is made when it is first asked for."""
    try:
        return services.get(Applications)
    except KeyError:
        surroundings, settings = services.get(Surroundings), services.get(DeploySettings)
        applications = Applications(
            surroundings.engine,
            data_dir=surroundings.data_dir,
            releases=releases_folder(surroundings.data_dir, settings),
            store_mark=surroundings.store_mark,
            settings=settings,
        )
        services.add(applications)
        return applications


def releases_folder(data_dir: Path, settings: DeploySettings) -> Path:
    """Return where the releases of all divisions are."""
    return Path(settings.dir) if settings.dir else data_dir / "releases"


def plan_of(dossier: Dossier, version: str) -> Started:
    """Return what runs when the application is started anew at *version*: as the last time."""
    last = last_start(dossier)
    return Started(version, last.command, last.port) if last is not None else Started(version, (), 0)
