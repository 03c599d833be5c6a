"""``hecate backup``: a copy of all that was recorded."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working


@command("backup", examples=("hecate backup /backups", "hecate backup hecate.tar.gz", "hecate backup /backups --json"))
@click.argument("target", type=click.Path(path_type=Path))
@data_directory_options()
@click.pass_obj
def backup(session: Session, target: Path, data_dir: Path | None, config: Path | None) -> None:
    """Copy all that was recorded, and check the copy.

    The daemon may run, or not.  TARGET is a new name: a folder, or one file if it ends with .tar or .tar.gz; in an
    existing folder the backup gets a folder named by the time.  It holds keys, and is for its owner alone.  Workspaces
    and releases are not in it.
    """
    from hecate.keep_store.back_up import back_up  # noqa: PLC0415 - brings SQLite, which other commands do without

    with told(session), Working("copying, and checking the copy"):
        place, manifest = back_up(chosen(data_dir, config), target.absolute())
    if session.as_json:
        session.output.raw(msgspec.json.encode({"ok": True, "backup": str(place), "manifest": manifest}))
        return
    session.output.details(
        {
            "backup": place,
            "events": manifest.head.position,
            "hash": manifest.head.hash,
            "files": len(manifest.files),
            "bytes": sum(file.bytes for file in manifest.files),
            "left out": ", ".join(manifest.left_out),
        }
    )


CLI = backup
