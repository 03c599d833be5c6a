"""``hecate status``: process 10, guide_venture."""

from __future__ import annotations

import click

from hecate.client import Client, questions
from hecate.client.answers import VentureStatus
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.names import venture_argument, venture_id
from hecate.daemon.cli.session import Session

MOST_VENTURES = 50
"""How many ventures are shown when none is named."""


@command("status", examples=("hecate status", "hecate status my-saas", "hecate status my-saas --json"))
@venture_argument(required=False)
@click.pass_obj
def status(session: Session, venture: str | None) -> None:
    """Show where each division stands, and its health."""
    with session.client() as client:
        if venture is None:
            _show_all(session, client)
        else:
            answer = session.show(client, questions.venture_status(venture_id(client, venture)))
            if answer is not None:
                _show(session, [answer])


def _show_all(session: Session, client: Client) -> None:
    page = client.ventures(limit=MOST_VENTURES)
    answers = [client.fetch(questions.venture_status(venture.id)) for venture in page.ventures]
    if session.as_json:
        for answer in answers:
            session.output.raw(answer.raw)
    else:
        _show(session, [answer.value for answer in answers])
    if page.next is not None:
        session.output.note(f"these are the first {MOST_VENTURES} ventures; name one to see another")


def _show(session: Session, statuses: list[VentureStatus]) -> None:
    rows = [
        (status.name, name, division.process, division.state, division.health)
        for status in statuses
        for name, division in status.divisions.items()
    ]
    bare = ", ".join(status.name for status in statuses if not status.divisions)
    session.output.table(
        ("VENTURE", "DIVISION", "PROCESS", "STATE", "HEALTH"), rows, if_empty="no division is discovered yet"
    )
    if bare and session.output.for_people:
        session.output.note(f"without divisions: {bare}" if statuses else "there are no ventures yet")


CLI = status
