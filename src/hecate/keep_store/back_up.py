"""Copies all that a data directory has, while a daemon serves it, and looks whether the copy is sound.

Each database is copied in one read transaction (``VACUUM INTO``), which waits for no writer and which no writer
waits for.  The copy holds what the tables hold and no more: what was deleted does not come along.
"""

from __future__ import annotations

import shutil
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
import msgspec

from hecate import __version__
from hecate.dossiers.errors import Refused, Unavailable
from hecate.dossiers.schema import user_version
from hecate.dossiers.store_check import check_store
from hecate.dossiers.times import rfc3339
from hecate.keep_store.data_files import EVENTS, DataFiles, files_in, is_served
from hecate.keep_store.manifest import FILE_NAME, FORMAT, Manifest, described
from hecate.keep_store.sound_copy import check_copy, check_log, unshared
from hecate.keep_store.unpack import TAR_MODES, unpacked
from hecate.keep_store.whole_or_nothing import new_file, put_in_place, sync_tree, workshop

BUSY_MILLISECONDS: Final = 5000
COPY: Final = "backup"


def back_up(data_dir: Path, target: Path) -> tuple[Path, Manifest]:
    """Copy the data directory *data_dir* to *target*, and return where it is now and what is in it.

    Args:
        data_dir: Its daemon may run, or not.
        target: A name that is not taken; one that ends with ``.tar`` or ``.tar.gz`` becomes one file, else it is a
            folder.  An existing folder gets one more, named by the time.

    Raises:
        NotFound: There is no store.
        Refused: The name is taken, or another backup is being written there.
        Unavailable: The disk refuses, or what was copied is damaged.
    """
    began_at = time.time_ns() // 1_000_000
    if (target / FILE_NAME).exists():
        raise Refused(f"{target} is a backup already; nothing was overwritten")
    if target.is_dir():
        target /= f"hecate-{rfc3339(began_at).replace(':', '-')}"
    if target.exists():
        raise Refused(f"{target} exists already; nothing was overwritten")
    found = files_in(data_dir)
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise Refused(f"{target} is in the data directory itself: what takes that away takes the backup too")
    if not is_served(data_dir):
        # A daemon has looked at its log before it opened it.
        check_store(data_dir / EVENTS)
    with workshop(target) as folder:
        made = folder / COPY
        made.mkdir(mode=0o700)
        others = tuple(path for path in found.others if _copy_file(data_dir / path, _place(made / path)))
        for path in found.databases:
            _copy_database(data_dir / path, _place(made / path))
        manifest = _describe(made, found._replace(others=others), began_at)
        with new_file(made / FILE_NAME) as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        sync_tree(made)
        if target.suffix in TAR_MODES:
            made = _packed(made, TAR_MODES[target.suffix])
        put_in_place(made, target)
    return target, manifest


def _copy_database(source: Path, copy: Path) -> None:
    """Copy one state of *source*.

    Raises:
        Unavailable: It is damaged or none.
    """
    with new_file(copy):
        pass  # for its owner alone from the first moment; SQLite takes an empty file
    try:
        with closing(apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)) as db:
            db.set_busy_timeout(BUSY_MILLISECONDS)
            db.execute("VACUUM INTO ?", (str(copy),))
    except apsw.Error as exc:
        raise Unavailable(f"{source} cannot be copied: {exc}; `hecate doctor` says more") from exc


def _copy_file(source: Path, copy: Path) -> bool:
    """Copy *source*, and tell whether it was still there."""
    try:
        opened = source.open("rb")
    except FileNotFoundError:
        return False
    with opened, new_file(copy) as file:
        shutil.copyfileobj(opened, file)
    return True


def _place(path: Path) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _describe(made: Path, found: DataFiles, began_at: int) -> Manifest:
    """Check the copies, and return what they are."""
    for path in found.databases:
        check_copy(made / path)
    head = check_log(made / EVENTS)
    with closing(unshared(made / EVENTS)) as db:
        schema = user_version(db)
    return Manifest(
        format=FORMAT,
        made_at=rfc3339(began_at),
        hecate_version=__version__,
        sqlite_version=apsw.sqlite_lib_version(),
        schema=schema,
        head=head,
        files=tuple(described(made, path) for path in found.all),
        left_out=found.left_out,
    )


def _packed(made: Path, mode: str) -> Path:
    """Pack the folder *made* into one file, look whether that gives it back, and return it."""
    packed = made.with_suffix(".tar")
    with new_file(packed) as file, tarfile.open(fileobj=file, mode=f"w:{mode}") as tar:  # type: ignore[call-overload]
        # The manifest first: whoever looks into the file finds at once what it is.
        for path in sorted(made.rglob("*"), key=lambda path: (path.name != FILE_NAME, path)):
            tar.add(path, str(path.relative_to(made)), recursive=False)
    with unpacked(packed, made.with_name("again")):
        pass
    return packed
