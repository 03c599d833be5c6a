"""``hecate import``: a store from the lines of an export."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working


@command("import", examples=("hecate import events.ndjson", "zcat events.ndjson.gz | hecate import -"))
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@data_directory_options()
@click.pass_obj
def import_(session: Session, file: Path, data_dir: Path | None, config: Path | None) -> None:
    """Read the events of an export into an empty data directory.

    Its daemon must not run.  Positions, streams, times and hashes stay what they were, and each is checked.  An import
    that was interrupted goes on where it ended; a store with other events is left as it is.  - is standard input.
    """
    from hecate.daemon.cli.folding import find_folding  # noqa: PLC0415
    from hecate.daemon.config import LogSettings  # noqa: PLC0415
    from hecate.daemon.data_directory import DataDirectory  # noqa: PLC0415
    from hecate.daemon.log import Redaction, set_up  # noqa: PLC0415
    from hecate.dossiers.event_store import EventStore  # noqa: PLC0415
    from hecate.keep_store.import_events import import_events, lines_of  # noqa: PLC0415

    # What a fold says goes to standard error, and only what is wrong.
    set_up(LogSettings(level="warning"), Redaction())
    with told(session), Working("reading events") as working:
        claimed = DataDirectory.claim(chosen(data_dir, config))
        try:
            folding, read_models = find_folding()
            with closing(EventStore.open(claimed.database)) as store:
                lines = sys.stdin.buffer if str(file) == "-" else lines_of(file)
                done = import_events(store, _counted(lines, working))
                working.tell("folding read models")
                # As a start would do it; so that what this Hecate cannot read is found now.
                store.writer.submit_from_thread(lambda db: folding.bring_up_to_date(db, read_models)).result()
        finally:
            claimed.release()
    if session.as_json:
        session.output.raw(msgspec.json.encode({"ok": True, "data_dir": str(claimed.path), "imported": done}))
        return
    session.output.details(
        {"imported": done.events, "were there": done.were_there, "hash": done.hash, "store": claimed.database}
    )


def _counted(lines: Iterable[bytes], working: Working) -> Iterator[bytes]:
    """Give *lines*, and tell how many."""
    for number, line in enumerate(lines, 1):
        working.tell(f"{number:,} events")
        yield line


CLI = import_
