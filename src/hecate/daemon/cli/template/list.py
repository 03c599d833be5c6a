"""``hecate template list``: which templates are there, and of which files?"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session
from hecate.daemon.config import ServeOptions, load
from hecate.daemon.errors import CannotStart
from hecate.dossiers.errors import HecateError
from hecate.generate_division.skeleton.template_folder import names, read_templates


@command(
    "list",
    examples=(
        "hecate template list",
        "hecate template list python",
        "hecate template list --config /etc/hecate/config.toml",
    ),
)
@click.argument("template", required=False)
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The daemon's configuration.", metavar="FILE"
)
@click.pass_obj
def list_(session: Session, template: str | None, *, config: Path | None) -> None:
    """List the templates, or the files of one TEMPLATE and whose each is.

    Your own are in the folder that the configuration names; what they do not have comes from the built-in ones.
    """
    try:
        own = Path(load(ServeOptions(config=config)).generate.templates)
        found = {name: read_templates(name, own).templates for name in ([template] if template else names(own))}
    except (HecateError, CannotStart) as exc:
        raise click.ClickException(str(exc)) from exc
    files = [(name, file.path, "yours" if file.is_own else "built in") for name, all_ in found.items() for file in all_]
    if session.as_json:
        listed = [{"template": name, "file": path, "from": whose} for name, path, whose in files]
        session.output.raw(msgspec.json.encode({"templates": listed}))
    elif template:
        session.output.table(("FILE", "FROM"), [(path, whose) for _, path, whose in files], if_empty="there are none")
    else:
        rows = [(name, len(all_), sum(file.is_own for file in all_)) for name, all_ in found.items()]
        session.output.table(("TEMPLATE", "FILES", "YOURS"), rows, if_empty="there are none")


CLI = list_
