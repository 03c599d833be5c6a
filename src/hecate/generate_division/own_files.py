"""Which files in a workspace are the generator's own: those whose content it has written, by its hash.

The hashes are in the dossier's events.  What a job is about to write, and the dossier does not know yet, is in a
note beside the store: should the daemon die in between, it is known what to take back.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from hecate.dossiers import job_records
from hecate.dossiers.errors import Refused
from hecate.generate_division.record_desk import DeskGenerated
from hecate.generate_division.record_skeleton import SkeletonGenerated
from hecate.workspaces.interrupted_commit import commit_with, have_index_follow

if TYPE_CHECKING:
    from hecate.generate_division.skeleton.design import GeneratedFile
    from hecate.jobs.job import Job

UNFINISHED = ".hecate-*"
"""What `Workspace.write` leaves behind when it is killed."""

Hashes = dict[str, set[str]]
"""Of each path, the SHA-256 of what was written there."""


class Change(NamedTuple):
    """A file that is written."""

    path: str
    content: bytes
    before: bytes | None
    """What it held; None: there was none."""


class Unfinished(msgspec.Struct, frozen=True):
    """What a job is doing to a file, as it is noted."""

    path: str
    hashes: tuple[str, ...]
    """Of what the job writes there, one after the other."""
    before: str | None
    """What the file held before the job; None: there was none."""


class Note(msgspec.Struct, frozen=True):
    """What is kept beside the store, for each division."""

    job_id: str = ""
    folder: str = ""
    """Of the workspace, as `Job.workspace` takes it."""
    changes: tuple[Unfinished, ...] = ()
    """Those that the job is making."""
    is_put_right: bool = False
    """Whether nothing of them is left half done."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """What the generator has written in a division's project.

    Args:
        hashes: Of all that it has written.
        filled: Of each path, the hashes that came with a model's answer for a desk, and the desk's id.
        noted: Of what the job before has written, which may have ended after its commit and before it was recorded.
    """

    hashes: Hashes
    filled: Mapping[str, Mapping[str, str]]
    noted: Hashes

    def has(self, path: str, content: bytes) -> bool:
        """Tell whether the generator has ever written *content* to *path*."""
        hashed = sha256(content)
        return hashed in self.hashes.get(path, ()) or hashed in self.noted.get(path, ())

    def is_filled(self, file: GeneratedFile, content: bytes) -> bool:
        """Tell whether *content* is how a model has filled in a desk's file, which its template is not to undo."""
        return bool(file.desk_id) and self.filled.get(file.path, {}).get(sha256(content)) == file.desk_id


async def own_files(job: Job) -> OwnFiles:
    """Return what was generated for the job's division until now."""
    dossier = await job.dossier()
    note = await asyncio.to_thread(_read, _place(job))
    hashes: Hashes = {}
    filled: dict[str, dict[str, str]] = {}
    for skeleton in dossier.all(SkeletonGenerated):
        for file in skeleton.files:
            hashes.setdefault(file.path, set()).add(file.sha256)
    for desk in dossier.all(DeskGenerated):
        for file in desk.files:
            hashes.setdefault(file.path, set()).add(file.sha256)
            if desk.model:
                filled.setdefault(file.path, {})[file.sha256] = desk.desk_id
    return OwnFiles(hashes, filled, {change.path: set(change.hashes) for change in note.changes})


def sha256(content: bytes) -> str:
    """Return the hash by which a content is known."""
    return hashlib.sha256(content).hexdigest()


async def note_changes(job: Job, folder: str, changes: Sequence[Change]) -> None:
    """Note what *job* is about to write in the workspace in *folder*, besides what it has written there already.

    Raises:
        Refused: The disk does not take it.
    """
    noted = await asyncio.to_thread(_read, _place(job))
    unfinished = {one.path: one for one in noted.changes} if noted.job_id == job.id else {}
    for change in changes:
        before = None if change.before is None else change.before.decode()
        earlier = unfinished.get(change.path, Unfinished(change.path, (), before))
        hashes = (*earlier.hashes, sha256(change.content))
        unfinished[change.path] = Unfinished(change.path, hashes, earlier.before)
    await _keep(job, Note(job.id, folder, tuple(unfinished.values())))


async def take_back(job: Job) -> None:
    """Undo what *job* has written, unless it has come to its commit; for `hecate.dossiers.desk.Work.put_right`.

    Raises:
        Refused: The workspace cannot be used.
    """
    note = await asyncio.to_thread(_read, _place(job))
    if note.job_id == job.id:
        await _take_back(job, note)


async def take_back_earlier(job: Job) -> None:
    """Undo what an earlier job has left, and could not take back at its end: the disk may not have been there."""
    note = await asyncio.to_thread(_read, _place(job))
    earlier = await job.read(lambda db: job_records.find(db, note.job_id))
    if earlier is None or earlier.id == job.id or earlier.state == "succeeded":
        return
    try:
        await _take_back(job, note)
    except Refused as exc:
        job.tell(f"what job {note.job_id} has left half done is not taken back: {exc}")


async def _take_back(job: Job, note: Note) -> None:
    if note.is_put_right or not note.changes:
        return
    workspace = await job.workspace(folder=note.folder)
    repository = job.repository(workspace)
    if commit := await commit_with(repository, note.job_id):
        # All is there, but for what follows a commit.
        await have_index_follow(repository, commit, [change.path for change in note.changes])
        await _keep(job, replace(note, is_put_right=True))
        return

    def undo() -> None:
        for folder in {Path(change.path).parent for change in note.changes}:
            for left in workspace.path(str(folder)).glob(UNFINISHED):
                workspace.remove(str(folder / left.name))
        # What was added goes first, which makes room on a full disk.
        for change in sorted(note.changes, key=lambda change: change.before is not None):
            there = workspace.read(change.path)
            if there is not None and sha256(there) not in change.hashes:
                continue  # a person has been faster
            if change.before is None:
                if workspace.path(change.path).parent.is_dir():
                    workspace.remove(change.path)  # if only the folders that were made for it
            elif there is not None and there != change.before.encode():
                workspace.put_back(change.path, change.before.encode())

    await asyncio.to_thread(undo)
    await _keep(job, replace(note, is_put_right=True))
    job.tell(f"what was written of {len(note.changes)} files is taken back")


def _place(job: Job) -> Path:
    return job.data_dir / "generations" / f"{job.subject_id}.json"


async def _keep(job: Job, note: Note) -> None:
    place = _place(job)
    content = msgspec.json.encode(note)

    def write() -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(".new")
        new.write_bytes(content)
        new.replace(place)

    try:
        await asyncio.to_thread(write)
    except OSError as exc:
        raise Refused(f"cannot write {place}: {exc.strerror}") from exc


def _read(place: Path) -> Note:
    try:
        return msgspec.json.decode(place.read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return Note()  # nothing was begun
