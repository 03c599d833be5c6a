"""Desk: generate the skeleton of a division's code.

    POST /api/divisions/{division_id}/generate/skeleton
    {"template": "python"}

It is a job.  From the design and the plan it writes a project that runs and passes its own tests, into the venture's
workspace or the folder ``workspace``, and commits it.  Generating again adds what the design has gained; a file that
a person has changed is left as it is, and reported with a diff.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Invalid
from hecate.dossiers.messages import Command, OptionalName, Text
from hecate.generate_division.changes import compare, tell_conflicts, write_changes
from hecate.generate_division.own_files import own_files, take_back, take_back_earlier
from hecate.generate_division.record_skeleton import RECORD, RecordSkeleton
from hecate.generate_division.recorded_design import recorded_design
from hecate.generate_division.rendered_files import rendered_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.messages import Event
    from hecate.jobs.job import Job

DEFAULT_TEMPLATE = "python"


class GenerateSkeleton(Command, frozen=True):
    """Ask that the code of the division is written."""

    workspace: Text = ""
    """An absolute path; empty: the venture's workspace."""
    language: Literal["python"] = "python"
    template: OptionalName = ""
    """``python``, ``eventsourcing``, or one of your own, as ``hecate template list`` shows; empty: ``python``."""


def decide(_dossier: Dossier, command: GenerateSkeleton) -> Sequence[Event]:
    """Leave all to the job.

    Raises:
        Invalid: The workspace is no absolute path.
    """
    if command.workspace and not (command.workspace.startswith("/") and command.workspace.isprintable()):
        raise Invalid(f"the workspace must be an absolute path, not {command.workspace[:100]!r} - at `$.workspace`")
    return []


async def generate(job: Job) -> RecordSkeleton:
    """Write the project and commit it.

    Raises:
        Refused: The workspace cannot be used, a template is wrong, or git fails.
    """
    command = job.command
    assert isinstance(command, GenerateSkeleton)  # noqa: S101 - it is the desk's own
    template = command.template or DEFAULT_TEMPLATE
    workspace = await job.workspace(folder=command.workspace)
    await take_back_earlier(job)
    own = await own_files(job)
    design = await recorded_design(job, own.hashes)
    job.progress(f"renders {len(design.aggregates)} aggregates and {len(design.desks)} desks")
    files = await rendered_files(job, design, template)
    comparison = await asyncio.to_thread(compare, workspace, files, own)
    tell_conflicts(job, comparison.conflicts)
    repository = job.repository(workspace)
    await repository.prepare()
    await write_changes(job, workspace, command.workspace, comparison.changes)
    job.progress("commits", len(comparison.changes), len(comparison.changes))
    commit = await repository.commit(
        comparison.paths,
        f"{design.project}: generated from the design",
        f"{len(comparison.changes)} of {len(files)} files; by Hecate, job {job.id}.",
    )
    job.progress(f"{len(comparison.changes)} of {len(files)} files written, {len(comparison.conflicts)} conflicts")
    return RecordSkeleton(
        workspace=command.workspace,
        project=design.project,
        language=command.language,
        template=template,
        files=comparison.settled,
        conflicts=comparison.conflict_paths,
        commit=commit,
    )


DESK = Desk(
    path="skeleton",
    command=GenerateSkeleton,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=generate, record=RECORD, put_right=take_back, holds_workspace=True),
    example=Example(when=GenerateSkeleton(template="python"), then=()),
)
