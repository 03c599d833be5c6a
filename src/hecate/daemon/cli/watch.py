"""``hecate watch``: the board and the events, live, on the whole terminal."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.exit_codes import INTERRUPTED
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command("watch", examples=("hecate watch", "hecate watch my-saas"))
@venture_argument(required=False)
@click.pass_obj
def watch(session: Session, *, venture: str | None) -> None:
    """Show board and events live, on the whole terminal.

    Those of a venture, or of all.  Arrows choose a division, Enter shows its events alone and Escape all again, Tab
    goes to the events and back, p holds them still, q ends it.  It needs the extra `watch`.
    """
    if session.as_json or not sys.stdout.isatty():
        raise click.UsageError("it draws on a terminal; for scripts there is `hecate events --follow --json`")
    if find_spec("textual") is None:
        raise click.ClickException(
            "Textual is not installed: `pipx inject hecate textual`, or `pip install 'hecate[watch]'`;"
            " `hecate board VENTURE --watch` does without"
        )
    with session.client() as client:
        # What is wrong is told before the screen is taken.
        client.health()
        id_ = None if venture is None else venture_id(client, venture)
        socket_path = client.socket_path
    if session.colour is False:
        os.environ["NO_COLOR"] = "1"
    # Textual takes longer to import than most commands to run.
    from hecate.daemon.cli.live_screen.screen import WatchScreen  # noqa: PLC0415

    # Without the mouse, the terminal's own selection of text goes on working.
    screen = WatchScreen(socket_path, id_)
    screen.run(mouse=False)
    if screen.failed is not None:
        raise screen.failed
    if screen.interrupted:
        raise click.exceptions.Exit(INTERRUPTED)


CLI = watch
