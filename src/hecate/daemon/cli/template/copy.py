"""``hecate template copy``: take the built-in templates and change them."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session
from hecate.generate_division.skeleton.template_folder import BUILT_IN, DEFAULT, ENDING, names


@command(
    "copy",
    examples=(
        "hecate template copy ~/.config/hecate/templates/acme",
        "hecate template copy ~/.config/hecate/templates/eventsourcing --template eventsourcing",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template",
    type=click.Choice(names(None)),
    default=DEFAULT,
    show_default=True,
    help="Which of the built-in templates.",
)
@click.pass_obj
def copy(session: Session, folder: Path, template: str) -> None:
    """Copy built-in templates into FOLDER, to be changed.

    A file that is there already is left as it is.  The folder's name is what "template" says when code is generated,
    if it lies where the configuration looks for templates.  Of another template than "python" only the files are
    copied in which it differs from that.
    """
    source = BUILT_IN / template
    copied, left = 0, 0
    try:
        for file in sorted(source.rglob(f"*{ENDING}")):
            target = folder / file.relative_to(source)
            if target.exists():
                left += 1
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
            copied += 1
    except OSError as exc:
        raise click.ClickException(f"cannot write {exc.filename}: {exc.strerror}") from exc
    if session.as_json:
        session.output.raw(msgspec.json.encode({"folder": str(folder), "copied": copied, "left": left}))
        return
    session.output.details({"folder": folder, "copied": copied, "left as they were": left or None})


CLI = copy
