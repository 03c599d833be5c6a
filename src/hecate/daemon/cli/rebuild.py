"""``hecate rebuild``: read models are folded anew from the events."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working


@command("rebuild", examples=("hecate rebuild", "hecate rebuild ventures divisions"))
@click.argument("read_model", nargs=-1)
@data_directory_options()
@click.pass_obj
def rebuild(session: Session, read_model: tuple[str, ...], data_dir: Path | None, config: Path | None) -> None:
    """Fold read models anew from the events.

    All of them, unless some are named.  The daemon may run, and serves what it has until the new tables are there.
    Those that a named one reads are folded with it.
    """
    from hecate.daemon.cli.folding import find_folding  # noqa: PLC0415 - brings all that the daemon is
    from hecate.keep_store.rebuild import rebuild as fold_anew  # noqa: PLC0415

    with told(session), Working("finding read models") as working:
        folding, read_models = find_folding()
        done = fold_anew(chosen(data_dir, config), folding, read_models, read_model, tell=working.tell)
    held = round(done.longest_hold_seconds * 1000, 1)
    if session.as_json:
        answer = {"ok": True, "read_models": done.read_models, "events": done.events, "longest_hold_ms": held}
        session.output.raw(msgspec.json.encode(answer))
        return
    session.output.details(
        {"rebuilt": ", ".join(done.read_models), "events": done.events, "writers waited": f"{held} ms at the most"}
    )


CLI = rebuild
