"""``hecate console``: the page in the browser."""

from __future__ import annotations

import os
import shutil
import subprocess

import click
import msgspec

from hecate.client.question import Question, decoded
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


class Link(msgspec.Struct, frozen=True):
    """Where the page is opened, once."""

    url: str
    expires_in_seconds: int


@command("console", examples=("hecate console", "hecate console --print"))
@click.option("--print", "only_print", is_flag=True, help="Print the link, and leave the browser alone.")
@click.pass_obj
def console(session: Session, *, only_print: bool) -> None:
    """Open the console in the browser.

    The link opens it once, within a minute.  On a machine without a display, or with --print, it is printed; from
    another machine it is reached through a tunnel: ssh -L PORT:127.0.0.1:PORT.
    """
    with session.client() as client:
        fetched = client.fetch(Question("POST", "/api/console/open", lambda body: decoded(body, Link)))
    if session.as_json:
        session.output.raw(fetched.raw)
        return
    opener = None if only_print else _opener()
    if opener is not None and _opens(opener, fetched.value.url):
        session.output.note("the console is open in your browser; if it is not: hecate console --print")
    else:
        click.echo(fetched.value.url)
        session.output.note(f"open it within {fetched.value.expires_in_seconds} s; it works once")


def _opener() -> str | None:
    """Return the desktop's program that opens links, if somebody would see it."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return shutil.which("xdg-open")


def _opens(opener: str, url: str) -> bool:
    """Tell whether *opener* took the link.  Others who look at the list of processes see it, and it works once."""
    quiet = subprocess.DEVNULL
    return subprocess.run([opener, url], check=False, stdin=quiet, stdout=quiet, stderr=quiet).returncode == 0


CLI = console
