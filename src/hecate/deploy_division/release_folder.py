"""The releases of a division on disk: sealed folders, and the link ``current`` to the one that is live.

    <releases>/<division>/1.0.0/SHA256SUMS  release.json  auth-1.0.0-py3-none-any.whl  auth-1.0.0.tar.gz  app/…
    <releases>/<division>/current -> 1.0.0

A release is made in a folder beside the others and renamed when it is whole; the link is renamed over the old one.
So whenever we are killed, a version is there as a whole or not at all, and the link leads to the old one or the new.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hecate.deploy_division.switches import Artifact
from hecate.dossiers.errors import Refused

CURRENT = "current"
SUMS = "SHA256SUMS"
NOTE = "release.json"
APP = "app"
"""What is in a wheel, ready to be imported."""
STAGING = ".staging-"
NEW_LINK = ".current-"


class ReleaseFolder:
    """The releases in *root*, which need not exist yet.  Every method blocks, and so belongs into a thread.

    Each raises `Refused` where the disk does not do what it should.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def link(self) -> Path:
        """The link to the live release."""
        return self.root / CURRENT

    def of(self, version: str) -> Path:
        """Return the folder of *version*, which need not exist."""
        return self.root / version

    def live(self) -> str:
        """Return the version that the link leads to; empty: there is none."""
        try:
            return str(self.link.readlink())
        except OSError:
            return ""

    def stage(self, job_id: str) -> Path:
        """Return a new folder in which *job_id* may make a release."""
        with _refusing(f"cannot make a release in {self.root}"):
            staging = self.root / f"{STAGING}{job_id}"
            staging.mkdir(parents=True)
            return staging

    def seal(self, staging: Path, version: str, note: dict[str, str]) -> tuple[Artifact, ...]:
        """Make *staging* the release *version*, which nobody changes any more; return its artifacts.

        Args:
            staging: As `stage` has given it, with the artifacts and perhaps `APP` in it.
            version: It must not be there yet.
            note: What is to be known of the release.

        Raises:
            Refused: There is such a version, or the disk does not take it.
        """
        folder = self.of(version)
        if folder.exists():
            raise Refused(f"there is a release {version} in {self.root} already, and it is never overwritten")
        with _refusing(f"cannot store release {version} in {self.root}"):
            (staging / NOTE).write_text(json.dumps(note, indent=2, sort_keys=True) + "\n")
            sums = {path: _sha256(path) for path in _files(staging)}
            lines = [f"{digest}  {path.relative_to(staging)}\n" for path, digest in sums.items()]
            (staging / SUMS).write_text("".join(lines))
            artifacts = tuple(
                Artifact(path.name, digest, path.stat().st_size)
                for path, digest in sums.items()
                if path.parent == staging and path.name != NOTE
            )
            _seal(staging)
            # As a whole or not at all.
            staging.rename(folder)
            _sync(self.root)
        return artifacts

    def check(self, version: str) -> tuple[Artifact, ...]:
        """Return the artifacts of *version* when all of it is as it was sealed.

        Raises:
            Refused: It is missing, or damaged.
        """
        folder = self.of(version)
        artifacts = []
        with _refusing(f"release {version} in {self.root} cannot be read"):
            for line in (folder / SUMS).read_text().splitlines():
                digest, _, name = line.partition("  ")
                path = folder / name
                if not path.is_file() or _sha256(path) != digest:
                    raise Refused(f"release {version} in {self.root} is damaged: {name} is not as it was stored")
                if "/" not in name and name != NOTE:
                    artifacts.append(Artifact(name, digest, path.stat().st_size))
        return tuple(artifacts)

    def switch(self, version: str, job_id: str) -> None:
        """Make the link lead to *version* at once; empty: to nothing."""
        with _refusing(f"cannot switch {self.link} to {version or 'nothing'}"):
            if version:
                new = self.root / f"{NEW_LINK}{job_id}"
                new.unlink(missing_ok=True)
                new.symlink_to(version, target_is_directory=True)
                new.rename(self.link)
            else:
                self.link.unlink(missing_ok=True)
            _sync(self.root)

    def put_right(self, live: str, *, job_id: str, drop: str) -> bool:
        """Take back what *job_id* has left half done; tell whether the link led elsewhere than to *live*.

        Args:
            live: The version that is recorded as live; empty: none.
            job_id: Its folder is removed.
            drop: A version that is not recorded: it is removed too, if that job has made it.  Empty: none.
        """
        if not self.root.is_dir():
            return False
        switched = self.live() != live
        if switched:
            self.switch(live, job_id)
        with _refusing(f"cannot clean up {self.root}"):
            (self.root / f"{NEW_LINK}{job_id}").unlink(missing_ok=True)
            _remove(self.root / f"{STAGING}{job_id}")
            if drop and self._made_by(drop) == job_id:
                # Renamed first: half of a release must not be taken for one.
                dropped = self.root / f"{STAGING}{job_id}"
                self.of(drop).rename(dropped)
                _remove(dropped)
        return switched

    def _made_by(self, version: str) -> str:
        try:
            made_by: str = json.loads((self.of(version) / NOTE).read_bytes()).get("job", "")
        except (OSError, ValueError):
            return ""
        return made_by


@contextmanager
def _refusing(sentence: str) -> Iterator[None]:
    """Say what the disk refuses, and why."""
    try:
        yield
    except OSError as exc:
        raise Refused(f"{sentence}: {exc.strerror or exc}") from exc


def _files(folder: Path) -> list[Path]:
    """Return the files in *folder*, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(folder: Path) -> None:
    """Make everything in *folder* read-only, and durable."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            _sync(path)
            path.chmod(0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444)
    _sync(folder)
    folder.chmod(0o555)


def _sync(path: Path) -> None:
    """Return when *path* is on the disk: a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    """Remove *folder*, sealed or not, if it is there."""
    if not folder.is_dir():
        return
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        path.chmod(0o700)
    shutil.rmtree(folder)
