"""``hecate forget``: every text that is recorded of a venture is erased, for good."""

from __future__ import annotations

import sys
from typing import Any

import click

from hecate.client import questions
from hecate.client.answers import Forgetting
from hecate.client.client import Client
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session


@command(
    "forget",
    examples=("hecate forget my-saas --dry-run", "hecate forget my-saas", "hecate forget my-saas --yes --json"),
)
@venture_argument()
@click.option("--dry-run", is_flag=True, help="Show what would go, and erase nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask; without it the venture's name is to be typed.")
@click.pass_obj
def forget(session: Session, venture: str, *, dry_run: bool, yes: bool) -> None:
    """Erase every text that is recorded of a venture, for good.

    That is names, descriptions, reasons, proposals and output.  Its events stay, each with its id, kind, time and
    hash, so that the hash chain holds as before; in the place of each text is a keyed hash, whose key is destroyed.
    Nothing brings the texts back but a backup from before.  What lies outside of the store, such as workspaces, is
    named and left alone.
    """
    with session.client() as client:
        chosen = venture_id(client, venture)
        if not (dry_run or yes):
            _ask(client, chosen)
        answer = client.fetch(questions.forget_venture(chosen, dry_run=dry_run))
    if session.as_json:
        session.output.raw(answer.raw)
        return
    _tell(session, answer.value, dry_run=dry_run)


def _ask(client: Client, venture: str) -> None:
    name = client.venture(venture).name
    if not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask: `--yes` forgets without a question")
    click.echo(f"Every text of venture {name!r} ({venture}) will be erased, for good.", err=True)
    if click.prompt("Type its name", err=True) != name:
        raise click.ClickException("that is not its name; nothing was erased")


def _tell(session: Session, gone: Forgetting, *, dry_run: bool) -> None:
    output = session.output
    fields: dict[str, Any] = {
        "venture": gone.venture_id,
        "would be erased" if dry_run else "erased": f"the texts of {gone.events} events, {gone.jobs} jobs and "
        f"{gone.answers} kept answers, and the messages of its calls of models and checks",
    }
    output.details(fields)
    for place in gone.outside:
        output.note(f"{place.path} stays ({place.what})", word="Note:", colour="yellow")
    output.note(gone.besides, word="Note:", colour="yellow")


CLI = forget
