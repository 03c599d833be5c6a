"""What of the generated files is written, and what is left since a person has changed it."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hecate.generate_division.own_files import Change, OwnFiles, note_changes, sha256
from hecate.generate_division.record_skeleton import WrittenFile

if TYPE_CHECKING:
    from hecate.generate_division.skeleton.design import GeneratedFile
    from hecate.jobs.job import Job
    from hecate.workspaces.workspace import Workspace

MOST_DIFF_LINES = 400
"""Of one file."""
FILES_AT_ONCE = 20

T = TypeVar("T")


class Conflict(NamedTuple):
    """A file that a person has changed."""

    path: str
    diff: tuple[str, ...]
    """From what is there to what would be generated, as lines."""


class Comparison(NamedTuple):
    """What the generated files are, seen from the workspace."""

    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    settled: tuple[WrittenFile, ...]
    """The files that are as they should be once the changes are made."""

    @property
    def conflict_paths(self) -> tuple[str, ...]:
        """Where the conflicts are."""
        return tuple(conflict.path for conflict in self.conflicts)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the settled files are."""
        return tuple(file.path for file in self.settled)


def compare(
    workspace: Workspace, files: Iterable[GeneratedFile], own: OwnFiles, *, over_filled: bool = False
) -> Comparison:
    """Return what of *files* is to be written, and what is a person's.

    Args:
        workspace: Where they belong.
        files: As they were rendered.
        own: By which it is known what a person has changed.
        over_filled: Whether what a model has filled in is replaced too.

    Raises:
        Refused: A path leads out of the workspace, or a file cannot be read.
    """
    changes: list[Change] = []
    conflicts: list[Conflict] = []
    settled: list[WrittenFile] = []
    for file in files:
        content = file.text.encode()
        there = workspace.read(file.path)
        if there is not None and not over_filled and own.is_filled(file, there):
            content = there
        elif there is not None and there != content and not own.has(file.path, there):
            conflicts.append(Conflict(file.path, _diff(file.path, there, file.text)))
            continue
        if there != content:
            changes.append(Change(file.path, content, there))
        settled.append(written_file(file.path, content))
    return Comparison(tuple(changes), tuple(conflicts), tuple(settled))


def written_file(path: str, content: bytes) -> WrittenFile:
    """Return how a file is recorded."""
    return WrittenFile(path, sha256(content), len(content))


def tell_conflicts(job: Job, conflicts: Iterable[Conflict]) -> None:
    """Show each conflict in the job's output."""
    for conflict in conflicts:
        job.tell(f"conflict: {conflict.path} has been changed and is left as it is; it would be generated as follows")
        job.tell(*conflict.diff)


async def write_changes(job: Job, workspace: Workspace, folder: str, changes: Sequence[Change]) -> None:
    """Write *changes*; should the job not come to its end, `take_back` undoes them.

    Args:
        job: On whose account.
        workspace: Where they are written.
        folder: Of the workspace, as `Job.workspace` takes it.
        changes: To files that are the generator's own.

    Raises:
        Refused: The disk does not take them.
    """
    await note_changes(job, folder, changes)
    for first in range(0, len(changes), FILES_AT_ONCE):
        some = changes[first : first + FILES_AT_ONCE]
        job.progress(f"writes {some[0].path}", first, len(changes))
        for change in some:
            job.tell(f"{'writes' if change.before is None else 'renews'} {change.path}")
        await to_the_end(partial(_write, workspace, some))


def _write(workspace: Workspace, changes: Sequence[Change]) -> None:
    for change in changes:
        workspace.write(change.path, change.content)


async def to_the_end(function: Callable[[], T]) -> T:
    """Return what *function* gives, in a thread; when cancelled, only after it has ended.

    What is taken back must not be overtaken by what is still being written.
    """
    task = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _diff(path: str, there: bytes, generated: str) -> tuple[str, ...]:
    try:
        lines = there.decode().splitlines()
    except UnicodeDecodeError:
        return (f"{path} is not text",)
    diff = list(difflib.unified_diff(lines, generated.splitlines(), f"a/{path}", f"b/{path}", lineterm=""))
    left = len(diff) - MOST_DIFF_LINES
    return tuple(diff) if left <= 0 else (*diff[:MOST_DIFF_LINES], f"… {left} more lines")
