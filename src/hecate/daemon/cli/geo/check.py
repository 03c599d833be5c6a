"""``hecate geo check``: which country is an address of?"""

from __future__ import annotations

import click

from hecate.client.geography import check_address
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.geo.status import answered, database_in_words, in_words
from hecate.daemon.cli.session import Session


@command("check", examples=("hecate geo check 8.8.8.8", "hecate geo check 2001:4860:4860::8888 --json"))
@click.argument("ip")
@click.pass_obj
def check(session: Session, ip: str) -> None:
    """Show the country of an address, and what would follow from it.

    That is, whether requests would be answered on a machine that has it.
    """
    with session.client() as client:
        answer = session.show(client, check_address(ip))
    if answer is None:
        return
    session.output.details(
        {
            "address": answer.ip,
            "country": answer.country or "unknown",
            "requests": answered(allowed=answer.allowed),
            "reason": in_words(answer.reason),
            "database": database_in_words(answer.database),
        }
    )
    for problem in answer.problems:
        session.output.note(problem, word="Warning:", colour="yellow")


CLI = check
