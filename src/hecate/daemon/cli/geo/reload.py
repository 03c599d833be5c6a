"""``hecate geo reload``: go by the configuration and the database as they are now."""

from __future__ import annotations

import click

from hecate.client.geography import reload_geography
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.geo.status import show
from hecate.daemon.cli.session import Session


@command("reload", examples=("hecate geo reload",))
@click.pass_obj
def reload(session: Session) -> None:
    """Go by the configuration and the database as they are now.

    [geo] and the database are read again, where this machine is is looked for again, and what follows is shown.
    """
    with session.client() as client:
        answer = session.show(client, reload_geography())
    if answer is not None:
        show(session, answer)


CLI = reload
