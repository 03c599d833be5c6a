"""``hecate archive``: finished ventures are put away, with a file of all that is recorded of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hecate.client.questions import command as command_question
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.keep_store.archive import Archivable


@command("archive", examples=("hecate archive /archive --dry-run", "hecate archive /archive"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be archived, and do nothing.")
@data_directory_options()
@click.pass_obj
def archive(session: Session, folder: Path, data_dir: Path | None, config: Path | None, *, dry_run: bool) -> None:
    """Archive finished ventures, each with a file of all its events.

    The files go into FOLDER.  A venture is finished when its discovery is completed, none of its processes goes on and
    no job waits.  Those that were archived before get their file too.  Each line of a file is checked, and proves
    itself by its hash.  The events stay in the store: nothing is ever taken out of it.
    """
    from hecate.keep_store.archive import archivable, file_of, write_archive  # noqa: PLC0415

    with told(session), Working("reading the events of finished ventures"):
        place, folder = chosen(data_dir, config), folder.absolute()
        ventures = [one for one in archivable(place) if not file_of(folder, one.venture_id).exists()]
        if ventures and not dry_run:
            _archive_all(session, [one.venture_id for one in ventures if not one.is_archived])
            written = write_archive(place, [one.venture_id for one in ventures], folder)
            # With the event that archived it.
            ventures = [msgspec.structs.replace(one, events=written[one.venture_id]) for one in ventures]
    _tell(session, ventures, dry_run=dry_run)


def _archive_all(session: Session, venture_ids: Sequence[str]) -> None:
    if not venture_ids:
        return
    with session.client() as client:
        for venture_id in venture_ids:
            path, key = f"/api/ventures/{venture_id}/archive", f"hecate-archive-{venture_id}"
            client.fetch(command_question(path, {}, idempotency_key=key, expected_version=None))


def _tell(session: Session, ventures: Sequence[Archivable], *, dry_run: bool) -> None:
    if session.as_json:
        session.output.raw(msgspec.json.encode({"ok": True, "dry_run": dry_run, "ventures": ventures}))
        return
    session.output.table(
        ("venture", "name", "events", "was archived"),
        [(one.venture_id, one.name, one.events, "yes" if one.is_archived else "no") for one in ventures],
        if_empty="no venture is finished that has no file there",
    )


CLI = archive
