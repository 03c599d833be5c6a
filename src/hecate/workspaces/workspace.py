"""A workspace: a folder, and nothing outside it.

Paths come from designs, templates and patches, and so from anywhere: each is resolved, and refused where it
leads out, by ``..``, as an absolute path or through a link; also where a link is swapped in meanwhile.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from hecate.dossiers.errors import Refused
from hecate.workspaces.folder_walk import opened_folder

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Workspace:
    """The folder *root*, which exists.

    Args:
        root: Resolved: it is no link itself.
        is_named: Whether a person has named it; else it is in our own directory.
    """

    def __init__(self, root: Path, *, is_named: bool) -> None:
        self.root = root
        self.is_named = is_named

    @classmethod
    def open(cls, folder: Path, *, is_named: bool, make: bool) -> Workspace:
        """Return the workspace in *folder*, which is made if it is missing and *make* is set.

        Raises:
            Refused: It is missing, no folder, or cannot be made.
        """
        if not folder.is_absolute():
            raise Refused(f"the workspace must be an absolute path, and is {str(folder)!r}")
        try:
            if make:
                folder.mkdir(parents=True, exist_ok=True)
            root = folder.resolve(strict=True)
        except FileNotFoundError as exc:
            # It may be on a disk that is not there, so it is not for us to make.
            raise Refused(f"the workspace {folder} does not exist; make it, or say where it is now") from exc
        except (OSError, RuntimeError, ValueError) as exc:
            raise Refused(f"the workspace {folder} cannot be used: {_reason(exc)}") from exc
        if not root.is_dir():
            raise Refused(f"the workspace {folder} is no folder")
        return cls(root, is_named=is_named)

    def path(self, relative: str) -> Path:
        """Return the path of *relative*, which may not exist yet.

        Raises:
            Refused: It leads out of the workspace, or into its git repository.
        """
        wanted = Path(relative)
        if not relative or not relative.isprintable() or wanted.is_absolute() or ".." in wanted.parts:
            raise Refused(f"{relative!r} is no path inside the workspace")
        if any(part.lower() == ".git" for part in wanted.parts):
            raise Refused(f"{relative!r} is in the workspace's git repository")
        try:
            resolved = (self.root / wanted).resolve()
        except (OSError, RuntimeError) as exc:
            raise Refused(f"{relative!r} cannot be resolved in the workspace: {_reason(exc)}") from exc
        if not resolved.is_relative_to(self.root):
            raise Refused(f"{relative!r} leads out of the workspace, to {resolved}")
        if any(part.lower() == ".git" for part in resolved.relative_to(self.root).parts):
            raise Refused(f"{relative!r} leads into the workspace's git repository")
        return resolved

    def read(self, relative: str) -> bytes | None:
        """Return what the file holds; None where there is none.

        Raises:
            Refused: The path leads out, or the file cannot be read.
        """
        folders, name = self._walk(relative)
        try:
            with opened_folder(self.root, folders) as folder:
                # Not waiting: a pipe may stand there, and nobody write to it.
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with open(file, "rb") as opened:  # noqa: PTH123 - the descriptor is there already
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise Refused(f"{relative!r} is no file")
                return opened.read()
        except IsADirectoryError as exc:
            raise Refused(f"{relative!r} is no file") from exc
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise Refused(f"cannot read {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc

    def write(self, relative: str, content: bytes, *, executable: bool = False) -> None:
        """Put *content* into the file at once: it has the old content or the new, never a part.

        Who else may read and write it stays as it is.

        Raises:
            Refused: The path leads out, or the disk does not take it.
        """
        folders, name = self._walk(relative)
        unfinished = f".hecate-{secrets.token_hex(8)}"
        try:
            with opened_folder(self.root, folders, make=True) as folder:
                file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
                try:
                    with open(file, "wb") as opened:  # noqa: PTH123 - the descriptor is there already
                        opened.write(content)
                        os.fchmod(file, _mode_of(name, folder, executable=executable))
                    os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(unfinished, dir_fd=folder)
                    raise
        except OSError as exc:
            raise Refused(f"cannot write {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc

    def put_back(self, relative: str, content: bytes, *, executable: bool = False) -> None:
        """Put what the file held before into it again: as `write` does, or where there is no room for that, in place.

        Raises:
            Refused: The path leads out, or the disk does not take it.
        """
        try:
            self.write(relative, content, executable=executable)
        except Refused as exc:
            if not isinstance(exc.__cause__, OSError) or exc.__cause__.errno not in NO_ROOM:
                raise
            self._write_over(relative, content, executable=executable)

    def _write_over(self, relative: str, content: bytes, *, executable: bool) -> None:
        folders, name = self._walk(relative)
        try:
            with opened_folder(self.root, folders) as folder:
                file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                with open(file, "r+b") as opened:  # noqa: PTH123 - the descriptor is there already
                    opened.write(content)
                    opened.truncate()
                    os.fchmod(file, _mode_of(name, folder, executable=executable))
        except OSError as exc:
            raise Refused(f"cannot write {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc

    def remove(self, relative: str) -> None:
        """Remove the file, if there is one, and the folders that are empty without it.

        Raises:
            Refused: The path leads out, or the disk does not let it go.
        """
        folders, name = self._walk(relative)
        try:
            with opened_folder(self.root, folders) as folder:
                os.unlink(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as exc:
            raise Refused(f"cannot remove {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc
        while folders:
            *folders, name = folders
            try:
                with opened_folder(self.root, folders) as folder:
                    os.rmdir(name, dir_fd=folder)
            except OSError:
                break  # something else is in it

    def _walk(self, relative: str) -> tuple[list[str], str]:
        """Return the folders on the way to *relative*, links resolved, and the name of what is there.

        Raises:
            Refused: See `path`.
        """
        *folders, name = self.path(relative).relative_to(self.root).parts or ("",)
        if not name:
            raise Refused(f"{relative!r} is the workspace itself")
        return folders, name


def _mode_of(name: str, folder: int, *, executable: bool) -> int:
    """Return the permissions for a file: those that it has, but for who may run it; of a new one the usual ones."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        there = stat.S_IFREG | 0o644
    kept = there & 0o666 if stat.S_ISREG(there) else 0o644
    return kept | (kept & 0o444) >> 2 if executable else kept


def _reason(exc: BaseException) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
