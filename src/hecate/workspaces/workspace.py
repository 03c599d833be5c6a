"""A workspace: a folder, and nothing outside it.

Paths come from designs, templates and patches, and so from anywhere: each is resolved, and refused where it
leads out, by ``..``, as an absolute path or through a link.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hecate.dossiers.errors import Refused


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
            raise Refused(f"the workspace {folder} does not exist") from exc
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
        path = self.path(relative)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise Refused(f"cannot read {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc

    def write(self, relative: str, content: bytes, *, executable: bool = False) -> None:
        """Put *content* into the file at once: it has the old content or the new, never a part.

        Raises:
            Refused: The path leads out, or the disk does not take it.
        """
        path = self.path(relative)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".hecate-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), 0o755 if executable else 0o644)
                os.replace(name, path)  # noqa: PTH105 - beside os.fdopen
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)  # noqa: PTH108 - as above
                raise
        except OSError as exc:
            raise Refused(f"cannot write {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc

    def remove(self, relative: str) -> None:
        """Remove the file, if there is one, and the folders that are empty without it.

        Raises:
            Refused: The path leads out, or the disk does not let it go.
        """
        path = self.path(relative)
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise Refused(f"cannot remove {relative!r} in the workspace {self.root}: {_reason(exc)}") from exc
        for folder in path.parents:
            if folder == self.root:
                break
            try:
                folder.rmdir()
            except OSError:
                break  # something else is in it


def _reason(exc: BaseException) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
