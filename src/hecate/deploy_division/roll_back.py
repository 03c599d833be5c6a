"""Desk: roll back to an earlier release.

    POST /api/divisions/{division_id}/deploy/rollback
    {"reason": "logins fail"}

It is a job: the release is looked at, whether it is as it was stored, the link ``current`` is switched to it, and the
target that it was deployed to is told; the application that the daemon supervises runs from it then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from hecate.deploy_division.application_facts import wanted_application
from hecate.deploy_division.applications import applications_of, plan_of
from hecate.deploy_division.going_live import go_live, releases_of, stay_live
from hecate.deploy_division.record_release import DEPLOYED
from hecate.deploy_division.record_rollback import RECORD, UPGRADED, RecordRollback
from hecate.deploy_division.switches import ReleaseDeployed, lives
from hecate.deploy_division.targets import SERVICE
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, OptionalName, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job


class RollBack(Command, frozen=True):
    """Ask that an earlier release is live again."""

    version: OptionalName = ""
    """One that was deployed; empty: the one that was live before."""
    reason: Text = ""


def decide(dossier: Dossier, command: RollBack) -> Sequence[Event]:
    """Roll back to a release that was deployed.

    Raises:
        Refused: There is none before, it never was deployed, or it is live.
    """
    destination(dossier, command)
    return []


def destination(dossier: Dossier, command: RollBack) -> tuple[str, str]:
    """Return the version that is live, and the one to go back to.

    Raises:
        Refused: As in `decide`.
    """
    versions = lives(dossier)
    if not versions:
        raise Refused("no release is live, so there is nothing to roll back")
    if not command.version and len(versions) < 2:
        raise Refused(f"no release was live before {versions[-1]}; name the version to roll back to")
    version = command.version or versions[-2]
    if not dossier.has(ReleaseDeployed, version=version):
        raise Refused(f"release {version} was never deployed, so nobody can roll back to it")
    if version == versions[-1]:
        raise Refused(f"release {version} is live already")
    return versions[-1], version


async def roll_back(job: Job) -> RecordRollback:
    """Switch to the earlier release and return what is recorded of it.

    Raises:
        Refused: It is damaged, or its target fails; `put_right` switches back then.
    """
    asked, dossier, folder = cast("RollBack", job.command), await job.dossier(), releases_of(job)
    live, version = destination(dossier, asked)
    job.stage = "check"
    job.progress(f"checks release {version}", 0, 3)
    await asyncio.to_thread(folder.check, version)
    job.stage = "switch"
    job.progress(f"switches from {live} to {version}", 1, 3)
    await asyncio.to_thread(folder.switch, version, job.id)
    job.stage = "activate"
    deployed = dossier.find(ReleaseDeployed, version=version)
    target = "" if deployed is None else deployed.target
    job.progress(f"activates the target {target}", 2, 3)
    application = None
    if wanted_application(dossier) is not None:
        application = await applications_of(job.services).start(job.subject_id, plan_of(dossier, version))
    if target != SERVICE:
        await go_live(job, target, version)
    job.progress(f"{version} is live", 3, 3)
    return RecordRollback(from_version=live, to_version=version, reason=asked.reason, application=application)


DESK = Desk(
    path="rollback",
    command=RollBack,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=roll_back, record=RECORD, put_right=stay_live, holds_workspace=True),
    example=Example(given=(DEPLOYED, UPGRADED), when=RollBack(reason="logins fail"), then=()),
)
