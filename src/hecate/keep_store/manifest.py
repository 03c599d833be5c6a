"""What a backup says of itself: ``manifest.json``, the last file that is written and the first that is read."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from hecate.dossiers.errors import Invalid, Unavailable
from hecate.keep_store.sound_copy import LogEnd

FILE_NAME: Final = "manifest.json"
FORMAT: Final = 1
BYTES_A_READ: Final = 1024 * 1024


class BackedUp(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup."""

    path: str
    """In the data directory, and in the backup."""
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a backup."""

    format: int
    made_at: str
    """RFC 3339: when the copying began."""
    hecate_version: str
    sqlite_version: str
    schema: int
    """The store's ``user_version``."""
    head: LogEnd
    """The newest event that is in it."""
    files: tuple[BackedUp, ...]
    left_out: tuple[str, ...]
    """What lay in the data directory and is not in the backup."""


def described(folder: Path, path: str) -> BackedUp:
    """Return what the manifest says of the file *path* below *folder*."""
    file = folder / path
    return BackedUp(path=path, bytes=file.stat().st_size, sha256=sha256_of(file))


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of what *file* holds, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(BYTES_A_READ):
            digest.update(piece)
    return digest.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return what the backup in *folder* says of itself, once each of its files is as it says.

    Raises:
        Invalid: It is no backup, or one of a newer Hecate.
        Unavailable: A file is missing or another than it was.
    """
    try:
        manifest = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Manifest)
    except OSError as exc:
        raise Invalid(f"{folder} is no backup: it has no {FILE_NAME} that can be read ({exc.strerror})") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Invalid(f"{folder / FILE_NAME} is not as Hecate writes it: {exc}") from exc
    if manifest.format != FORMAT:
        raise Invalid(f"{folder} is a backup in format {manifest.format}, and this Hecate knows {FORMAT} only")
    for file in manifest.files:
        _check(folder, file)
    return manifest


def _check(folder: Path, file: BackedUp) -> None:
    way = PurePosixPath(file.path)
    if way.is_absolute() or ".." in way.parts or not way.parts:
        raise Invalid(f"{folder / FILE_NAME} names {file.path!r}, which is no place in a data directory")
    try:
        found = described(folder, file.path)
    except OSError as exc:
        raise Unavailable(f"the backup {folder} is not whole: {file.path} cannot be read ({exc.strerror})") from exc
    if found.bytes != file.bytes:
        raise Unavailable(f"the backup {folder} is not whole: {file.path} has {found.bytes} bytes and had {file.bytes}")
    if found.sha256 != file.sha256:
        raise Unavailable(f"the backup {folder} is damaged: {file.path} is not what was written")
