"""``hecate geo status``: where is this machine, and what follows?"""

from __future__ import annotations

import click

from hecate.client.geography import GeoDatabase, GeoStatus, geo_status
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("status", examples=("hecate geo status", "hecate geo status --json"))
@click.pass_obj
def status(session: Session) -> None:
    """Show whether the API answers here, and how that was found."""
    with session.client() as client:
        answer = session.show(client, geo_status())
    if answer is not None:
        show(session, answer)


def show(session: Session, answer: GeoStatus) -> None:
    """Print the status, and what is wrong as warnings."""
    session.output.details(
        {
            "restriction": "on" if answer.enabled else "off",
            "requests": answered(allowed=answer.allowed),
            "reason": in_words(answer.reason),
            "country": answer.country,
            "found by": answer.source,
            "address": answer.address,
            "database": database_in_words(answer.database),
            "checked at": answer.checked_at,
        }
    )
    for problem in answer.problems:
        session.output.note(problem, word="Warning:", colour="yellow")


def answered(*, allowed: bool) -> str:
    """Say what becomes of requests."""
    return "answered" if allowed else "refused"


def in_words(reason: str) -> str:
    """Say a reason as people do."""
    return reason.replace("_", " ")


def database_in_words(database: GeoDatabase | None) -> str | None:
    """Say which database it was, and how old."""
    if database is None:
        return None
    return f"{database.name}, of {database.date}" if database.date else database.name


CLI = status
