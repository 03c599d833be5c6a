"""Desk: generate one desk of a division.

    POST /api/divisions/{division_id}/generate/desk
    {"desk_name": "register_user", "model": "llama3.2"}

It is a job.  It writes the desk's slice and its test into the skeleton, which is generated before, and what they
need and the skeleton has not yet.  With a ``model`` that model fills in the body; it is kept if the project's suite
passes with it, and else the template's stays.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import Command, OptionalName
from hecate.generate_division.changes import Comparison, compare, tell_conflicts, write_changes, written_file
from hecate.generate_division.filled_desk import ask_for_body, suite_passes
from hecate.generate_division.own_files import Change, OwnFiles, own_files, take_back, take_back_earlier
from hecate.generate_division.record_desk import RECORD, RecordDesk
from hecate.generate_division.record_skeleton import EXAMPLE, SkeletonGenerated
from hecate.generate_division.recorded_design import recorded_design
from hecate.generate_division.rendered_files import rendered_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.messages import Event
    from hecate.generate_division.skeleton.design import Design, GeneratedFile, PlannedDesk
    from hecate.jobs.job import Job
    from hecate.workspaces.workspace import Workspace


class GenerateDesk(Command, frozen=True):
    """Ask that a planned desk is written; one of its two names is given."""

    desk_id: OptionalName = ""
    desk_name: OptionalName = ""
    model: OptionalName = ""
    """Which fills in the body; empty: none."""


def decide(dossier: Dossier, command: GenerateDesk) -> Sequence[Event]:
    """Take a desk once the skeleton is there.

    Raises:
        Invalid: Both names are given, or neither.
        Refused: The skeleton is not generated yet.
    """
    if bool(command.desk_id) == bool(command.desk_name):
        raise Invalid("give desk_id or desk_name, one of them - at `$.desk_name`")
    if not dossier.all(SkeletonGenerated):
        raise Refused("the skeleton is not generated yet; a desk needs it")
    return []


async def generate(job: Job) -> RecordDesk:
    """Write the desk and commit it.

    Raises:
        Refused: There is no such desk, the workspace cannot be used, a template is wrong, or git fails.
        HecateError: The model fails.
    """
    command = job.command
    assert isinstance(command, GenerateDesk)  # noqa: S101 - it is the desk's own
    skeleton = (await job.dossier()).all(SkeletonGenerated)[-1]
    await take_back_earlier(job)
    own = await own_files(job)
    design = await recorded_design(job, own.hashes)
    desk = planned_desk(design, command.desk_id or command.desk_name)
    workspace = await job.workspace(folder=skeleton.workspace)
    files = tuple(needed_files(await rendered_files(job, design, skeleton.template), desk, own))
    comparison = await asyncio.to_thread(compare, workspace, files, own, over_filled=bool(command.model))
    tell_conflicts(job, comparison.conflicts)
    repository = job.repository(workspace)
    await repository.prepare()
    await write_changes(job, workspace, skeleton.workspace, comparison.changes)
    body = _Body(comparison)
    if command.model:
        body = await _fill_in(job, command.model, workspace, skeleton, _Slice(design, desk, files, comparison))
    job.progress("commits")
    commit = await repository.commit(
        body.comparison.paths,
        f"{design.project}: the desk {desk.name}",
        f"{f'Body by {body.model}. ' if body.model else ''}By Hecate, job {job.id}.",
    )
    job.progress(f"{desk.name} is generated" if not body.rolled_back else f"rolled back: {body.rolled_back}")
    return RecordDesk(
        desk_id=desk.id,
        desk_name=desk.name,
        files=body.comparison.settled,
        conflicts=comparison.conflict_paths,
        commit=commit,
        model=body.model,
        rolled_back=body.rolled_back,
    )


def planned_desk(design: Design, reference: str) -> PlannedDesk:
    """Return the desk whose id or name is *reference*.

    Raises:
        Refused: The plan has no such desk.
    """
    for desk in design.desks:
        if reference in {desk.id, desk.name}:
            return desk
    raise Refused(f"desk {reference!r} is not in the plan; inventory it first")


def needed_files(files: Iterable[GeneratedFile], desk: PlannedDesk, own: OwnFiles) -> Iterator[GeneratedFile]:
    """Give the files of *desk*, and of what it may need those that were never written."""
    for file in files:
        is_needed = not file.desk_id or file.desk_id in desk.needs
        if file.desk_id == desk.id or (is_needed and file.path not in own.hashes):
            yield file


# -- with a model


class _Slice(NamedTuple):
    """A desk as the template has it."""

    design: Design
    desk: PlannedDesk
    files: tuple[GeneratedFile, ...]
    comparison: Comparison


class _Body(NamedTuple):
    """What has become of a desk."""

    comparison: Comparison
    model: str = ""
    """Whose body it has; empty: the template's."""
    rolled_back: str = ""


async def _fill_in(job: Job, model: str, workspace: Workspace, skeleton: SkeletonGenerated, made: _Slice) -> _Body:
    """Let *model* fill in the desk, and keep that if the suite passes."""
    own = [file for file in made.files if file.desk_id == made.desk.id]
    # The module first, and then its test.
    texts = {
        file.path: file.text for file in sorted(own, key=lambda file: file.path.rpartition("/")[2].startswith("test_"))
    }
    if changed := [path for path in texts if path in made.comparison.conflict_paths]:
        return _Body(made.comparison, rolled_back=f"{changed[0]} has been changed by a person")
    if len(texts) != 2:
        return _Body(made.comparison, rolled_back=f"the template makes {len(texts)} files of a desk, not two")
    folder = workspace.path(skeleton.project)
    job.progress("runs the suite as it is")
    if failure := await suite_passes(job, folder):
        return _Body(made.comparison, rolled_back=f"the suite fails without it: {failure}")
    job.progress(f"asks {model} for the body")
    filled = await ask_for_body(job, model, made.design, made.desk, texts)
    before = {path: text.encode() for path, text in texts.items()}
    after = {path: text.encode() for path, text in filled.texts.items()}
    await write_changes(job, workspace, skeleton.workspace, [Change(path, after[path], before[path]) for path in texts])
    job.progress(f"runs the suite with the body by {filled.model}")
    if failure := await suite_passes(job, folder):
        job.tell("the body is rolled back; it was:", *filled.texts[next(iter(texts))].splitlines())
        await write_changes(
            job, workspace, skeleton.workspace, [Change(path, before[path], after[path]) for path in texts]
        )
        return _Body(made.comparison, rolled_back=f"the suite fails with the body by {filled.model}: {failure}")
    settled = (
        written_file(file.path, after[file.path]) if file.path in after else file for file in made.comparison.settled
    )
    return _Body(made.comparison._replace(settled=tuple(settled)), filled.model)


DESK = Desk(
    path="desk",
    command=GenerateDesk,
    events=(),
    decide=decide,
    status=202,
    work=Work(do=generate, record=RECORD, put_right=take_back, holds_workspace=True),
    example=Example(
        given=(SkeletonGenerated(skeleton_id="skel-1", **msgspec.structs.asdict(EXAMPLE)),),
        when=GenerateDesk(desk_name="register_user"),
        then=(),
    ),
)
