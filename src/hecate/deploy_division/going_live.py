"""What follows when another release becomes the live one, and how it is taken back when that is not recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hecate.deploy_division.application_facts import Started, wanted_application
from hecate.deploy_division.applications import applications_of, plan_of, releases_folder
from hecate.deploy_division.deploy_settings import DeploySettings
from hecate.deploy_division.release_folder import ReleaseFolder
from hecate.deploy_division.switches import ReleaseDeployed, live_version
from hecate.deploy_division.targets import LOCAL, SERVICE, activate

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier
    from hecate.jobs.job import Job


def releases_of(job: Job) -> ReleaseFolder:
    """Return where the releases of the job's division are."""
    return ReleaseFolder(releases_folder(job.data_dir, job.services.get(DeploySettings)) / job.subject_id)


async def go_live(job: Job, target: str, version: str) -> Started | None:
    """Do what *target* wants, now that the link leads to *version*; return the application that runs from it, if any.

    Raises:
        Refused: It fails.
    """
    if target == SERVICE:
        return await applications_of(job.services).start(job.subject_id, plan_of(await job.dossier(), version))
    if target != LOCAL:
        await activate(job, target, version, releases_of(job).of(version))
    return None


async def stay_live(job: Job, *, drop: str = "") -> None:
    """Have the release live again that is recorded as live.

    Args:
        job: Which has not come to its end.
        drop: A version that it may have stored, and that is to go if it was never deployed.

    Raises:
        Refused: The disk does not do what it should, or the target fails once more.
    """
    dossier = await job.dossier()
    live = live_version(dossier)
    if drop and dossier.has(ReleaseDeployed, version=drop):
        drop = ""
    folder = releases_of(job)
    has_switched = await asyncio.to_thread(folder.put_right, live, job_id=job.id, drop=drop)
    if has_switched:
        job.tell(f"-- switched back to {live or 'nothing: no release is live'}")
    if job.stage in {"activate", "health", "record"}:
        await _restore_application(job, dossier)
    # After a kill nothing of an application is left, and who supervises it starts what is recorded.  Other targets
    # may still have the release that the link led to.
    deployed = dossier.find(ReleaseDeployed, version=live) if has_switched and live else None
    if deployed is not None and deployed.target not in {LOCAL, SERVICE}:
        await activate(job, deployed.target, live, folder.of(live))


async def _restore_application(job: Job, dossier: Dossier) -> None:
    """Have the application that is recorded, and no other."""
    applications, wanted = applications_of(job.services), wanted_application(dossier)
    running = applications.of(job.subject_id)
    if running is not None and (wanted is None or running.plan.version != wanted.version):
        await applications.stop(job.subject_id)
    if wanted is not None:
        await applications.keep(job.subject_id, wanted)
