"""What a release consists of is built: wheel and source archive of a Python project, or whatever a command makes."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hecate.deploy_division import build_backend_program
from hecate.deploy_division.build_backend_program import NO_BACKEND
from hecate.deploy_division.project_copy import copy_project, stamp_version
from hecate.deploy_division.versions import version_of
from hecate.dossiers.errors import Refused
from hecate.suites.project_environment import PLACE, prepare_environment

if TYPE_CHECKING:
    from hecate.child_processes.child_process import ChildEnd
    from hecate.jobs.job import Job

SOURCE = "source"
"""In the staging folder; gone when the build is over."""
LONGEST_LAST_LINE = 500


async def build(job: Job, project: Path, staging: Path, version: str, timeout_seconds: float) -> None:
    """Build *version* of the Python *project* into *staging*: a wheel and a source archive.

    Raises:
        Refused: It cannot be built, or what it needs cannot be installed.
    """
    await prepare_environment(job, project)
    copy, output = staging / SOURCE, staging
    await asyncio.to_thread(copy_project, project, copy)
    if not await asyncio.to_thread(stamp_version, copy, version_of(version)):
        job.tell(f"-- the project sets its version itself: what is built may not be named {version}")
    own = project / PLACE / "bin" / "python"
    program = (str(Path(build_backend_program.__file__)), str(output))
    run = partial(
        job.run,
        folder=copy,
        timeout_seconds=timeout_seconds,
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
        # In a sandbox, the project's Python is there only if it is shown.
        writes=(output, project / PLACE),
    )
    end = await run((str(own) if own.exists() else sys.executable, *program))
    if end.exit_code == NO_BACKEND and own.exists():
        # A person's environment is for the tests, and need not have it.
        end = await run((sys.executable, *program))
    _check(job, end, "the build of the project")
    await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)


async def build_by_command(
    job: Job, command: Sequence[str], staging: Path, *, folder: Path, version: str, timeout_seconds: float
) -> None:
    """Have *command* put the artifacts of *version* into *staging*; it runs in *folder*.

    Raises:
        Refused: It fails, or leaves nothing.
    """
    end = await job.run(
        command,
        folder=folder,
        timeout_seconds=timeout_seconds,
        environment={"HECATE_VERSION": version, "HECATE_ARTIFACTS": str(staging)},
        writes=(staging,),
    )
    _check(job, end, f"the command {command[0]!r}")
    if not await asyncio.to_thread(lambda: any(staging.iterdir())):
        raise Refused(f"the command {command[0]!r} has put nothing into the folder that HECATE_ARTIFACTS names")


def _check(job: Job, end: ChildEnd, what: str) -> None:
    if not end.succeeded:
        said = job.log.last_line[:LONGEST_LAST_LINE]
        raise Refused(f"{what} failed: {end.in_words}" + (f"; it said last: {said}" if said else ""))
