"""``hecate restore``: what a backup holds becomes what the daemon has."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working


@command("restore", examples=("hecate restore hecate.tar.gz", "hecate restore /backups/hecate-2026-11-25 --force"))
@click.argument("backup", type=click.Path(path_type=Path))
@data_directory_options()
@click.option("--force", is_flag=True, help="Move aside what the data directory has.")
@click.pass_obj
def restore(session: Session, backup: Path, data_dir: Path | None, config: Path | None, *, force: bool) -> None:
    """Put a backup in the place of what a data directory has.

    Its daemon must not run.  The backup is checked first.  What was there is kept in a folder of the data directory.
    A restore that was interrupted is finished by calling it again; until then no daemon starts.
    """
    from hecate.daemon.data_directory import DataDirectory  # noqa: PLC0415
    from hecate.keep_store.restore import restore as put_back  # noqa: PLC0415

    with told(session), Working("checking the backup, and copying it"):
        claimed = DataDirectory.claim(chosen(data_dir, config), for_restore=True)
        try:
            manifest, replaced = put_back(backup.absolute(), claimed.path, force=force)
        finally:
            claimed.release()
    if session.as_json:
        answer = {"ok": True, "data_dir": str(claimed.path), "replaced": replaced and str(replaced)}
        session.output.raw(msgspec.json.encode({**answer, "manifest": manifest}))
        return
    session.output.details(
        {
            "restored": claimed.path,
            "made": manifest.made_at,
            "events": manifest.head.position,
            "hash": manifest.head.hash,
            "replaced": replaced,
        }
    )


CLI = restore
