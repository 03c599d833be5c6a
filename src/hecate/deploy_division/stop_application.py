"""Desk: stop the division's application.

    POST /api/divisions/{division_id}/deploy/service/stop
    {"reason": "maintenance"}

It is a job, which ends when all of its processes are gone; it stays stopped until it is started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hecate.deploy_division.application_facts import wanted_application
from hecate.deploy_division.applications import applications_of
from hecate.deploy_division.record_application import RECORD, STARTED, RecordApplication
from hecate.deploy_division.record_release import DEPLOYED
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job


class StopApplication(Command, frozen=True):
    """Ask that the application is stopped."""

    reason: Text = ""


def decide(dossier: Dossier, _command: StopApplication) -> Sequence[Event]:
    """Stop what runs, whatever the process's state.

    Raises:
        Refused: It does not run.
    """
    if wanted_application(dossier) is None:
        raise Refused("the application does not run, so there is nothing to stop")
    return []


async def stop(job: Job) -> RecordApplication:
    """Stop it and return what is recorded of it."""
    job.progress("stops the application")
    await applications_of(job.services).stop(job.subject_id)
    job.progress("the application is stopped")
    return RecordApplication(became="stopped", reason=cast("StopApplication", job.command).reason)


DESK = Desk(
    path="service/stop",
    command=StopApplication,
    events=(),
    decide=decide,
    states=frozenset({"active", "paused", "completed", "archived"}),
    status=202,
    work=Work(do=stop, record=RECORD),
    example=Example(given=(DEPLOYED, STARTED), when=StopApplication(reason="maintenance"), then=()),
)
