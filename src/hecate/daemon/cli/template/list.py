"""``hecate template list``: which templates are there?"""

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


@command("list", examples=("hecate template list", "hecate template list --config /etc/hecate/config.toml"))
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The daemon's configuration.", metavar="FILE"
)
@click.pass_obj
def list_(session: Session, *, config: Path | None) -> None:
    """List the templates: a line for each file, and whose it is.

    Your own are in the folder that the configuration names; what they do not have comes from the built-in ones.
    """
    try:
        own = Path(load(ServeOptions(config=config)).generate.templates)
        rows = [
            (name, template.path, "yours" if template.is_own else "built in")
            for name in names(own)
            for template in read_templates(name, own).templates
        ]
    except (HecateError, CannotStart) as exc:
        raise click.ClickException(str(exc)) from exc
    if session.as_json:
        listed = [{"template": name, "file": file, "from": whose} for name, file, whose in rows]
        session.output.raw(msgspec.json.encode({"templates": listed}))
        return
    session.output.table(("TEMPLATE", "FILE", "FROM"), rows, if_empty="there are none")


CLI = list_
