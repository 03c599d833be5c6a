"""Desk: start the division's application anew, from the release that is live now.

    POST /api/divisions/{division_id}/deploy/service/restart

It is a job, as the start is; command and port stay as they were.  One that has failed is started too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hecate.deploy_division.application_facts import Patience, last_start
from hecate.deploy_division.applications import READY_SECONDS, plan_of
from hecate.deploy_division.record_application import RECORD, STARTED, RecordApplication
from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.start_application import RUNNABLE, put_right, run_and_tell, unfinished
from hecate.deploy_division.switches import live_version
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job


class RestartApplication(Command, frozen=True):
    """Ask that the application is started anew."""

    ready_seconds: Patience = READY_SECONDS
    """How long it may take until it listens on its port."""


def decide(dossier: Dossier, _command: RestartApplication) -> Sequence[Event]:
    """Start anew what was started before.

    Raises:
        Refused: It never was, or no release is live any more.
    """
    if last_start(dossier) is None or not live_version(dossier):
        raise Refused("the application was never started, so there is nothing to start anew")
    return []


async def restart(job: Job) -> RecordApplication:
    """Start it anew and return what is recorded of it.

    Raises:
        Refused: It does not come to listen.
    """
    dossier = await job.dossier()
    plan = plan_of(dossier, live_version(dossier))
    return await run_and_tell(job, plan, cast("RestartApplication", job.command).ready_seconds)


DESK = Desk(
    path="service/restart",
    command=RestartApplication,
    events=(),
    decide=decide,
    states=RUNNABLE,
    status=202,
    work=Work(do=restart, record=RECORD, put_right=put_right, unfinished=unfinished),
    example=Example(given=(DEPLOYED, STARTED), when=RestartApplication(), then=()),
)
