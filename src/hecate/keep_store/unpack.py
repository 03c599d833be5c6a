"""A backup, whether it is a folder or one file, as a folder that has been checked."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from hecate.dossiers.errors import Invalid, NotFound, Unavailable
from hecate.keep_store.data_files import EVENTS
from hecate.keep_store.manifest import Manifest, read_manifest
from hecate.keep_store.sound_copy import check_copy, check_log

TAR_MODES: Final[Mapping[str, str]] = {".tar": "", ".tgz": "gz", ".gz": "gz"}
"""How a file with this ending is packed."""


class Backup(NamedTuple):
    """A backup whose files are as its manifest says."""

    folder: Path
    manifest: Manifest


@contextmanager
def unpacked(backup: Path, room: Path) -> Iterator[Backup]:
    """Give *backup*, unpacked into *room* (a folder that does not exist) if it is one file.

    Raises:
        NotFound: There is nothing of this name.
        Invalid: It is no backup.
        Unavailable: It is damaged, or there is no room for it.
    """
    if backup.is_dir():
        yield Backup(backup, read_manifest(backup))
        return
    if not backup.exists():
        raise NotFound(f"there is no backup {backup}")
    try:
        room.mkdir(mode=0o700)
        with tarfile.open(backup) as tar:
            tar.extractall(room, filter="data")
        yield Backup(room, read_manifest(room))
    except (tarfile.TarError, EOFError) as exc:
        raise Invalid(f"{backup} is no backup, or not whole: {exc}") from exc
    except OSError as exc:
        raise Unavailable(f"{backup} cannot be unpacked: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(room, ignore_errors=True)


def check_content(backup: Backup) -> None:
    """Look into the databases of *backup*: their structure, and the hash chain up to the head that it names.

    Raises:
        Unavailable: One is damaged, or ends elsewhere.
    """
    for file in backup.manifest.files:
        if file.path.endswith(".db"):
            check_copy(backup.folder / file.path)
    head = check_log(backup.folder / EVENTS)
    if head != backup.manifest.head:
        raise Unavailable(
            f"the backup {backup.folder} is not what it says: its newest event is {head.position}, "
            f"and its manifest names {backup.manifest.head.position}"
        )
