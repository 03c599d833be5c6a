"""``hecate audit``: who has asked the daemon for what."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator


@command(
    "audit", examples=("hecate audit", "hecate audit --last 5 --path /api/ventures", "hecate audit --uid 0 --json")
)
@click.option("--last", type=click.IntRange(1), default=20, help="How many requests, at most.", show_default=True)
@click.option("--uid", type=int, help="Only those of this user.")
@click.option("--path", "beginning", default="", help="Only those whose path begins so.")
@data_directory_options()
@click.pass_obj
def audit(
    session: Session, *, last: int, uid: int | None, beginning: str, data_dir: Path | None, config: Path | None
) -> None:
    """Show who has asked for more than reading, and for what.

    It shows the last requests, the newest at the end.  It reads the audit log of the data directory, and so works for
    whoever owns that, whether the daemon runs or not.
    """
    with told(session):
        found = [*islice(_matching(chosen(data_dir, config), uid, beginning), last)][::-1]
    if session.as_json:
        for entry in found:
            session.output.raw(msgspec.json.encode(entry))
        return
    columns = ("at", "uid", "pid", "program", "method", "path", "status")
    rows = [[entry.get(name) for name in columns] for entry in found]
    session.output.table([name.upper() for name in columns], rows, if_empty="nothing is in the audit log")


def _matching(data: Path, uid: int | None, beginning: str) -> Iterator[dict[str, Any]]:
    from hecate.daemon.audit_log import read_audit  # noqa: PLC0415
    from hecate.dossiers.errors import Refused  # noqa: PLC0415

    try:
        for entry in read_audit(data):
            if (uid is None or entry.get("uid") == uid) and str(entry.get("path", "")).startswith(beginning):
                yield entry
    except OSError as exc:
        raise Refused(f"cannot read the audit log in {data}: {exc.strerror}") from exc


CLI = audit
