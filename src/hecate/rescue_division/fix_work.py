"""The work of a fix: its patch is applied, the tests are run, and what holds is committed; else all is taken back.

In the workspace itself, only files are touched that are committed as they are: what a person is at work on is not
swept into the fix.  On a branch, all happens in a copy, and the workspace's files stay as they are.

Whatever happens on the way, a note tells what was changed (see `hecate.rescue_division.fix_notes`), and the commit
tells by its last line which job has made it: so a fix that the daemon's end has interrupted is either whole or gone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from hecate.dossiers import job_records
from hecate.dossiers.errors import Refused
from hecate.rescue_division.diagnosed_incidents import IncidentDiagnosed
from hecate.rescue_division.fix_notes import FixNote, FixNotes
from hecate.rescue_division.patches import changes_of, make, take_back
from hecate.rescue_division.record_fix import RecordFix
from hecate.suites.own_suite import OWN_SUITE
from hecate.suites.run_suite import Suite, run_suite
from hecate.workspaces.checkout import check_out
from hecate.workspaces.interrupted_commit import commit_with, have_index_follow
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from hecate.jobs.job import Job
    from hecate.rescue_division.apply_fix import ApplyFix
    from hecate.workspaces.repository import Repository

TRAILER = "Hecate-Job"
LONGEST_SUBJECT = 100


async def fix(job: Job) -> RecordFix:
    """Apply the patch, all or nothing.

    Raises:
        Refused: It does not apply, its files are not committed, or the tests do not pass with it.
    """
    await _forget_old_notes(job)
    try:
        commit = await (_on_branch(job) if _asked(job).branch else _in_place(job))
    except BaseException:
        # Now, while the workspace is this job's; once more at its end, where even this fails or is broken off.
        with suppress(Refused):
            await put_right(job)
        raise
    job.progress("the fix is committed")
    return _applied(job, commit)


def _asked(job: Job) -> ApplyFix:
    return cast("ApplyFix", job.command)


async def _in_place(job: Job) -> str:
    """Fix the workspace's own files, and return the commit."""
    workspace, project = await job.written_project()
    repository = job.repository(workspace)
    await repository.prepare()
    job.progress("applies the patch")
    with FixNotes(job.data_dir, job.id).scratch() as scratch:
        changes = await changes_of(job, workspace, await _patch(job), scratch)
    paths = [change.path for change in changes]
    if dirty := await repository.uncommitted(paths):
        raise Refused(
            f"the patch is of files that are not committed as they are now: {', '.join(dirty)}; commit them first"
        )
    note = FixNote(root=str(workspace.root), is_named=workspace.is_named, branch="", changes=changes)
    await _note_down(job, note)
    await asyncio.to_thread(make, workspace, changes)
    await _test(job, workspace, project)
    commit = await repository.commit(paths, *_message(job, project))
    await _note_down(job, replace(note, commit=commit))
    return commit


async def _on_branch(job: Job) -> str:
    """Fix a copy of the branch, or of what is checked out where there is no such branch yet; return its new commit."""
    workspace, project = await job.written_project()
    repository = job.repository(workspace)
    await repository.prepare()
    branch = _asked(job).branch
    ref, base, earlier = await _begin_branch(repository, branch)
    note = FixNote(root=str(workspace.root), is_named=workspace.is_named, branch=branch, changes=())
    await _note_down(job, note)
    notes = FixNotes(job.data_dir, job.id)
    with notes.scratch() as folder, notes.scratch() as scratch:
        job.progress("applies the patch to a copy")
        copy = await check_out(repository, base, folder)
        changes = await changes_of(job, copy.workspace, await _patch(job), scratch)
        await asyncio.to_thread(make, copy.workspace, changes)
        await _test(job, copy.workspace, project)
        paths = [change.path for change in changes]
        commit = await copy.repository.commit_onto(base, paths, *_message(job, project))
    await repository.git("update-ref", "-m", "hecate: a fix", ref, commit, earlier or "0" * len(commit))
    await _note_down(job, replace(note, commit=commit))
    return commit


async def _begin_branch(repository: Repository, branch: str) -> tuple[str, str, str]:
    """Return the branch's full name, the commit to begin at, and the branch's own commit, if there is one.

    Raises:
        Refused: It cannot be a branch's name, is checked out, or there is no commit at all.
    """
    ref = f"refs/heads/{branch}"
    if not (await repository.try_git("check-ref-format", ref)).end.succeeded:
        raise Refused(f"{branch!r} is no name for a branch")
    if (await repository.try_git("symbolic-ref", "--quiet", "HEAD")).output.strip() == ref:
        raise Refused(f"branch {branch!r} is checked out in the workspace; leave it out to fix the files there")
    found = await repository.try_git("rev-parse", "--verify", "--quiet", ref)
    earlier = found.output.strip() if found.end.succeeded else ""
    base = earlier or await repository.head()
    if not base:
        raise Refused("the workspace has no commit yet that a branch could begin at")
    return ref, base, earlier


async def _patch(job: Job) -> str:
    """Return the patch that was given, else the diagnosis's."""
    asked = _asked(job)
    if asked.patch:
        return asked.patch
    found = (await job.dossier()).find(IncidentDiagnosed, diagnosis_id=asked.diagnosis_id)
    return "" if found is None else found.proposed_fix.patch


async def _test(job: Job, workspace: Workspace, project: str) -> None:
    """Run the division's tests, with the command that they were run with last.

    Raises:
        Refused: They do not pass.
    """
    # Another process's event, known here by its stored name only.
    runs: list[Any] = [happened.event for happened in await job.history("testing", "test_suite_started_v1")]
    command = runs[-1].command if runs and runs[-1].command != OWN_SUITE else ()
    limit = runs[-1].timeout_seconds if runs else job.surroundings.jobs.timeout_seconds
    suite = Suite(job=job, workspace=workspace, project=project, command=command, timeout_seconds=limit)
    result = await run_suite(suite)
    if result.outcome != "passed":
        first = "; ".join(f"{failure.name}: {failure.message}"[:200] for failure in result.verdicts.failures[:3])
        raise Refused(f"with the patch the tests do not pass: {result.in_words}" + (f" ({first})" if first else ""))


def _message(job: Job, project: str) -> tuple[str, str]:
    asked = _asked(job)
    first_line = asked.description.strip().partition("\n")[0][:LONGEST_SUBJECT]
    return f"{project}: {first_line}", f"For incident {asked.incident_id}.\n\n{TRAILER}: {job.id}"


# -- what is left of it


async def put_right(job: Job) -> None:
    """Take the patch back, unless it is committed: then the fix is whole.

    Raises:
        Refused: The workspace is missing, or cannot be written.
    """
    notes = FixNotes(job.data_dir, job.id)
    await asyncio.to_thread(notes.clear_scratch)
    note = notes.read()
    if note is None or note.commit:
        return
    workspace = await asyncio.to_thread(Workspace.open, Path(note.root), is_named=note.is_named, make=False)
    repository = job.repository(workspace)
    ref = f"refs/heads/{note.branch}" if note.branch else "HEAD"
    if commit := await commit_with(repository, f"{TRAILER}: {job.id}", ref):
        await have_index_follow(repository, commit, [change.path for change in note.changes])
        await _note_down(job, replace(note, commit=commit))
        return
    for path in await asyncio.to_thread(take_back, workspace, note.changes):
        job.tell(f"{path} was changed by somebody else meanwhile, and stays as it is")
    notes.forget()


def unfinished(job: Job) -> RecordFix:
    """Return what is recorded of a fix that was not carried to its end."""
    note = FixNotes(job.data_dir, job.id).read()
    if note is not None and note.commit:
        return _applied(job, note.commit)
    asked = _asked(job)
    reason = job.error.error if job.error is not None else "it was not carried to its end"
    return RecordFix(incident_id=asked.incident_id, description=asked.description, reason=reason)


def _applied(job: Job, commit: str) -> RecordFix:
    asked = _asked(job)
    return RecordFix(incident_id=asked.incident_id, description=asked.description, commit=commit)


async def _note_down(job: Job, note: FixNote) -> None:
    await asyncio.to_thread(FixNotes(job.data_dir, job.id).write, note)


async def _forget_old_notes(job: Job) -> None:
    """Remove the notes of jobs whose outcome is recorded."""
    for job_id in await asyncio.to_thread(FixNotes.noted, job.data_dir):
        record = await job.read(lambda db, job_id=job_id: job_records.find(db, job_id))  # type: ignore[misc]
        if record is None or record.is_finished:
            FixNotes(job.data_dir, job_id).forget()
