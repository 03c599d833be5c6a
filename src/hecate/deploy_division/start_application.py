"""Desk: have the daemon run the division's application.

    POST /api/divisions/{division_id}/deploy/service/start
    {"port": 8000}

It is a job, which ends when the application listens.  It runs from the release that is live, is started again when it
ends, each time a little later, and fails for good when it ends too often; it ends with the daemon, and is started
again with it.  What it prints is kept, see `GET /api/divisions/{division_id}/service/logs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hecate.child_processes.command_line import CommandLine, words_of
from hecate.deploy_division.application_facts import Patience, Port, Started, last_start, wanted_application
from hecate.deploy_division.applications import READY_SECONDS, applications_of
from hecate.deploy_division.record_application import RECORD, RecordApplication
from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.switches import live_version
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job

RUNNABLE = frozenset({"active", "completed"})
"""An application runs on when the deployment is completed, and may be looked after then."""


class StartApplication(Command, frozen=True):
    """Ask that the application runs."""

    command: CommandLine = ""
    """``{port}`` in it is the port, as PORT is in its environment.  Empty: the package of the release."""
    port: Port = 0
    """On 127.0.0.1; 0: the one that it had the last time, or any that is free."""
    ready_seconds: Patience = READY_SECONDS
    """How long it may take until it listens on its port."""


def decide(dossier: Dossier, command: StartApplication) -> Sequence[Event]:
    """Start what does not run, from a release that is live.

    Raises:
        Invalid: The command cannot be read.
        Refused: It runs already, or no release is live.
    """
    words_of(command.command)
    if (wanted := wanted_application(dossier)) is not None:
        raise Refused(f"the application runs already, on port {wanted.port}; restart it, or stop it first")
    if not live_version(dossier):
        raise Refused("no release is live from which the application could run; deploy one first")
    return []


async def start(job: Job) -> RecordApplication:
    """Start the application and return what is recorded of it.

    Raises:
        Refused: It does not come to listen.
    """
    asked, dossier = cast("StartApplication", job.command), await job.dossier()
    last = last_start(dossier)
    port = asked.port or (last.port if last is not None else 0)
    started = Started(live_version(dossier), words_of(asked.command), port)
    return await run_and_tell(job, started, asked.ready_seconds)


async def run_and_tell(job: Job, started: Started, ready_seconds: float) -> RecordApplication:
    """Run what *started* says, and tell where it is.

    Raises:
        Refused: It does not come to listen.
    """
    job.progress(f"starts the application of release {started.version}")
    running = await applications_of(job.services).start(job.subject_id, started, ready_seconds)
    job.progress(f"the application listens on http://127.0.0.1:{running.port}")
    return RecordApplication(became="started", started=running)


async def put_right(job: Job) -> None:
    """Stop what was started, since it is not recorded as running."""
    await applications_of(job.services).stop(job.subject_id)


def unfinished(job: Job) -> RecordApplication:
    """Return what is recorded of an application that was not started."""
    return RecordApplication(became="failed", reason=job.error.error if job.error is not None else "")


DESK = Desk(
    path="service/start",
    command=StartApplication,
    events=(),
    decide=decide,
    states=RUNNABLE,
    status=202,
    work=Work(do=start, record=RECORD, put_right=put_right, unfinished=unfinished),
    example=Example(given=(DEPLOYED,), when=StartApplication(port=8000), then=()),
)
