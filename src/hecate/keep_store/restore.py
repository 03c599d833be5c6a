"""Puts a backup in place of what a data directory has, or into an empty one.

What was there is moved aside, not deleted.  A mark is in the directory while files move, and no daemon starts
beside it: a restore that was killed is finished by the next one, and nothing half restored is ever served.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final, NamedTuple

from hecate.dossiers.errors import Invalid, Refused, Unavailable
from hecate.dossiers.schema import MIGRATIONS
from hecate.dossiers.times import rfc3339
from hecate.keep_store.data_files import LEFT_OUT, LOCK, REPLACED, UNFINISHED_RESTORE
from hecate.keep_store.manifest import Manifest
from hecate.keep_store.unpack import Backup, check_content, unpacked
from hecate.keep_store.whole_or_nothing import new_file, sync_folder, sync_tree, workshop

COPY: Final = "restored"


class Restored(NamedTuple):
    """What a restore has done."""

    manifest: Manifest
    replaced: Path | None
    """Where what was there before has gone; None: there was nothing."""


def restore(backup: Path, data_dir: Path, *, force: bool) -> Restored:
    """Put *backup* into *data_dir*, which the caller has locked against daemons.

    Args:
        backup: A folder, or one file.
        data_dir: An existing folder.
        force: Whether what is there may be moved aside.

    Raises:
        Invalid: It is no backup, or one of a newer Hecate.
        Refused: Something is there, and *force* is not set.
        Unavailable: The backup is damaged, or the disk refuses; nothing was changed.
    """
    mark = data_dir / UNFINISHED_RESTORE
    with workshop(data_dir / COPY) as folder, unpacked(backup, folder / "unpacked") as found:
        check_content(found)
        if found.manifest.schema > len(MIGRATIONS):
            raise Invalid(f"{backup} was made by a newer Hecate ({found.manifest.hecate_version})")
        there = _in_the_way(data_dir, folder)
        if there and not force and not mark.exists():
            raise Refused(f"{data_dir} has {', '.join(there)}; with --force that is moved aside, into a folder in it")
        # All that can fail for want of room comes before the first file is moved.
        copy = _copied(found, folder / COPY)
        if not mark.exists():
            aside = data_dir / f"{REPLACED}{rfc3339(time.time_ns() // 1_000_000).replace(':', '-')}"
            with new_file(mark) as file:
                file.write(f"{aside.name}\n".encode())
            sync_folder(data_dir)
        aside = data_dir / _noted(mark)
        _move(data_dir, there, aside)
        _move(copy, sorted((path.name for path in copy.iterdir()), key=_store_last), data_dir)
        mark.unlink()
        sync_folder(data_dir)
    return Restored(found.manifest, aside if aside.exists() else None)


def _in_the_way(data_dir: Path, workshop_folder: Path) -> list[str]:
    """Return the names in *data_dir* whose place a backup takes."""
    stays = {LOCK, UNFINISHED_RESTORE, workshop_folder.name, *LEFT_OUT}
    there = sorted(path.name for path in data_dir.iterdir())
    return [name for name in there if name not in stays and not name.startswith(REPLACED)]


def _copied(found: Backup, folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    for file in found.manifest.files:
        place = folder / file.path
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (found.folder / file.path).open("rb") as source, new_file(place) as copy:
            shutil.copyfileobj(source, copy)
    sync_tree(folder)
    return folder


def _noted(mark: Path) -> str:
    name = mark.read_text("utf-8").strip()
    if not name.startswith(REPLACED) or "/" in name:
        # Written before anything was moved, so that nothing has been moved yet.
        raise Unavailable(f"{mark} is not as Hecate writes it; nothing was changed: delete it and try again")
    return name


def _move(source: Path, names: list[str], target: Path) -> None:
    if names:
        target.mkdir(mode=0o700, exist_ok=True)
    for name in names:
        if (target / name).exists():
            # Only after a restore that was killed: what it found has gone there already, and this is its own copy.
            _remove(source / name)
        else:
            (source / name).rename(target / name)
    if names:
        sync_folder(target)
        sync_folder(source)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _store_last(name: str) -> tuple[bool, str]:
    return name.endswith(".db"), name
