"""``hecate export``: every event as a line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.exit_codes import REFUSED
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working

if TYPE_CHECKING:
    from hecate.keep_store.event_lines import Form
    from hecate.keep_store.export_events import Exported


@command(
    "export",
    examples=(
        "hecate export events.ndjson",
        "hecate export --format cloudevents > events.jsonl",
        "hecate export --venture v-0193f2a1b3c000112345 venture.ndjson",
    ),
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(("ndjson", "cloudevents")), default="ndjson", help="Of a line.")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this position.", metavar="POSITION")
@click.option("--venture", "venture_id", default="", help="Only what is about this venture.", metavar="ID")
@data_directory_options()
@click.pass_context
def export(
    ctx: click.Context,
    *,
    file: Path | None,
    form: Form,
    after: int,
    venture_id: str,
    data_dir: Path | None,
    config: Path | None,
) -> None:
    """Write every event as a line of JSON, checked by its hash.

    The daemon may run, or not.  FILE is a new one, and there only when it is whole; without it the lines go to
    standard output.  Of a damaged store, what comes before the damage is written, and the exit code is 1.
    """
    from hecate.keep_store.export_events import export_events  # noqa: PLC0415
    from hecate.keep_store.whole_or_nothing import new_file, put_in_place, workshop  # noqa: PLC0415

    session = ctx.ensure_object(Session)
    with told(session), Working("checking and writing events") as working:
        place = chosen(data_dir, config)
        if file is None:
            # On a terminal the lines themselves are what is seen.
            write = sys.stdout.buffer.write if sys.stdout.isatty() else _counted(sys.stdout.buffer.write, working)
            done = export_events(place, form, write, after=after, venture_id=venture_id)
            sys.stdout.buffer.flush()
        else:
            target = file.absolute()
            with workshop(target) as folder:
                with new_file(folder / "events") as opened:
                    write = _counted(opened.write, working)
                    done = export_events(place, form, write, after=after, venture_id=venture_id)
                put_in_place(folder / "events", target)
    _tell(session, done, file)
    ctx.exit(REFUSED if done.damage else 0)


def _counted(write: Callable[[bytes], object], working: Working) -> Callable[[bytes], object]:
    """Return a *write* that tells how many lines it has written."""
    numbers = count(1)

    def write_and_tell(line: bytes) -> None:
        write(line)
        working.tell(f"{next(numbers):,} events")

    return write_and_tell


def _tell(session: Session, done: Exported, file: Path | None) -> None:
    """Say what was written: to standard error where the lines went to standard output."""
    if file is not None and session.as_json:
        session.output.raw(msgspec.json.encode({"ok": not done.damage, "file": str(file), "exported": done}))
        return
    words = f"{done.events} events, up to {done.head.position} with the hash {done.head.hash}"
    session.output.note(words)
    if done.damage:
        session.output.note(f"the store is damaged: {done.damage}", word="Error:", colour="red")


CLI = export
