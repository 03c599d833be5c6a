"""What a fix notes down before it touches a workspace, so that it can be taken back whatever happens.

One file a job, in the data directory: the files as they were and as they become, and the commit once there is one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from hecate.dossiers.errors import Refused
from hecate.rescue_division.patches import Change

FOLDER = "fixes"


class FixNote(msgspec.Struct, frozen=True, kw_only=True):
    """How far a fix is."""

    root: str
    """The workspace's."""
    is_named: bool
    """As `hecate.workspaces.workspace.Workspace.is_named`."""
    branch: str
    """Empty: the changes are made in the workspace itself."""
    changes: tuple[Change, ...]
    """What is made in the workspace; none where there is a branch."""
    commit: str = ""
    """Empty: it has not come to that."""


class FixNotes:
    """The note of the job *job_id*, and its temporary folders, in the data directory *data_dir*."""

    def __init__(self, data_dir: Path, job_id: str) -> None:
        self._folder = data_dir / FOLDER
        self._job_id = job_id
        self._path = self._folder / f"{job_id}.json"

    @staticmethod
    def noted(data_dir: Path) -> list[str]:
        """Return the ids of the jobs that have a note."""
        return [path.stem for path in (data_dir / FOLDER).glob("*.json")]

    def write(self, note: FixNote) -> None:
        """Put *note* in place of the one before, at once.

        Raises:
            Refused: The disk does not take it.
        """
        new = self._path.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with new.open("wb") as file:
                file.write(msgspec.json.encode(note))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as exc:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise Refused(f"cannot note the fix down in {self._folder}: {exc.strerror}") from exc

    def read(self) -> FixNote | None:
        """Return the note; None where nothing was noted, or all was taken back."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=FixNote)
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Remove the note."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder, which is removed afterwards.

        Raises:
            Refused: The disk does not take it.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self._folder, prefix=f"{self._job_id}-"))
        except OSError as exc:
            raise Refused(f"cannot make a folder in {self._folder}: {exc.strerror}") from exc
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear_scratch(self) -> None:
        """Remove the folders that the daemon's end has left, and a note that it has broken off."""
        self._path.with_suffix(".new").unlink(missing_ok=True)
        for folder in self._folder.glob(f"{self._job_id}-*"):
            shutil.rmtree(folder, ignore_errors=True)
