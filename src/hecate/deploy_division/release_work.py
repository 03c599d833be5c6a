"""The work of a release: built, stored, switched to, and switched back where it is not well.

Each stage leaves the disk so that a kill does no harm: see `hecate.deploy_division.release_folder`.  `put_right` takes
back what is not recorded: after a failure at once, after a kill at the next start.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, cast

from hecate.child_processes.command_line import words_of
from hecate.deploy_division.going_live import go_live, releases_of, stay_live
from hecate.deploy_division.record_release import RecordRelease
from hecate.deploy_division.release_build import build, build_by_command
from hecate.deploy_division.release_health import become_well
from hecate.deploy_division.release_program import MADE_FOR
from hecate.deploy_division.release_wheels import fill_app
from hecate.deploy_division.switches import Artifact, ReleaseDeployed
from hecate.dossiers.errors import Refused

if TYPE_CHECKING:
    from hecate.deploy_division.deploy_release import DeployRelease, ReleaseBegun
    from hecate.jobs.job import Job
    from hecate.workspaces.workspace import Workspace

STAGES = ("workspace", "build", "store", "switch", "activate", "health", "record")


async def release(job: Job) -> RecordRelease:
    """Make the release, switch to it, and see that it is well.

    Raises:
        Refused: It cannot be made, or is not well; `put_right` takes back what was done.
    """
    asked, begun = cast("DeployRelease", job.command), _begun(job)
    stored = await _stored(job, asked.version)
    commit, artifacts = await _made(job) if stored is None else stored
    folder = releases_of(job)
    enter(job, "switch", f"switches to {asked.version}")
    await asyncio.to_thread(folder.switch, asked.version, job.id)
    enter(job, "activate", f"activates the target {begun.target}")
    application = await go_live(job, begun.target, asked.version)
    if asked.health_check:
        enter(job, "health", "waits until it is well")
        await become_well(
            job,
            asked.health_check,
            version=asked.version,
            release=folder.of(asked.version),
            port=0 if application is None else application.port,
            timeout_seconds=asked.health_timeout_seconds,
        )
    enter(job, "record", f"{asked.version} is live")
    return RecordRelease(
        release_id=begun.release_id,
        version=asked.version,
        target=begun.target,
        commit=commit,
        artifacts=artifacts,
        application=application,
    )


async def _stored(job: Job, version: str) -> tuple[str, tuple[Artifact, ...]] | None:
    """Return commit and artifacts of *version* if it was deployed before and is as it was then; None: it was not.

    Raises:
        Refused: It is missing or damaged.
    """
    earlier = (await job.dossier()).find(ReleaseDeployed, version=version)
    if earlier is None:
        return None
    enter(job, "store", f"checks release {version}, which is stored")
    return earlier.commit, await asyncio.to_thread(releases_of(job).check, version)


async def _made(job: Job) -> tuple[str, tuple[Artifact, ...]]:
    """Make the release on disk, and return its commit and its artifacts.

    Raises:
        Refused: The workspace or the project is missing, it cannot be built, or the disk does not take it.
    """
    asked, folder = cast("DeployRelease", job.command), releases_of(job)
    enter(job, "workspace", "looks for the project")
    workspace, project = await job.written_project()
    place = workspace.path(project)
    words = words_of(asked.command)
    if not place.is_dir():
        if not words:
            raise Refused(
                f"there is no project {project!r} in the workspace {workspace.root}; generate it, or name a command"
            )
        place = workspace.root
    commit = await commit_of(job, workspace, project)
    enter(job, "build", f"builds {asked.version}")
    staging = await asyncio.to_thread(folder.stage, job.id)
    if words:
        await build_by_command(
            job, words, staging, folder=place, version=asked.version, timeout_seconds=asked.timeout_seconds
        )
    else:
        await build(job, place, staging, asked.version, asked.timeout_seconds)
    is_whole = await fill_app(job, place, staging, asked.timeout_seconds)
    enter(job, "store", f"stores {asked.version}")
    note = {"version": asked.version, "commit": commit, "division": job.subject_id, "job": job.id}
    if is_whole:
        note[MADE_FOR] = str(sys.implementation.cache_tag)
    return commit, await asyncio.to_thread(folder.seal, staging, asked.version, note)


async def commit_of(job: Job, workspace: Workspace, project: str) -> str:
    """Return the newest commit of *workspace*, with ``-dirty`` where *project* has changed since; empty: none."""
    if not (workspace.is_named or (workspace.root / ".git").exists()):
        return ""  # whatever repository our own directory may lie in
    repository = job.repository(workspace)
    commit = await repository.head()
    if not commit:
        return ""
    changed = await repository.try_git("status", "--porcelain", "--", project)
    return f"{commit}-dirty" if changed.output.strip() or not changed.end.succeeded else commit


def enter(job: Job, stage: str, message: str) -> None:
    """Say what the job has come to."""
    job.stage = stage
    job.progress(message, STAGES.index(stage), len(STAGES))
    job.tell(f"-- {message}")


async def put_right(job: Job) -> None:
    """Take back what was done for a release that is not recorded."""
    await stay_live(job, drop=cast("DeployRelease", job.command).version)


def unfinished(job: Job) -> RecordRelease:
    """Return what is recorded of a release that has failed."""
    begun = _begun(job)
    return RecordRelease(
        release_id=begun.release_id,
        version=begun.version,
        target=begun.target,
        stage=job.stage or "unknown",
        reason=job.error.error if job.error is not None else "",
    )


def _begun(job: Job) -> ReleaseBegun:
    (begun,) = job.events
    return cast("ReleaseBegun", begun)
