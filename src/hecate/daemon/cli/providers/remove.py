"""``hecate providers remove``: use a provider no more."""

from __future__ import annotations

import click

from hecate.client import model_questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("remove", examples=("hecate providers remove groq",))
@click.argument("name")
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Remove a provider.

    It stays away until it is added again; what it is writing now, it writes to the end.
    """
    with session.client() as client:
        answer = session.show(client, model_questions.remove_provider(name))
    if answer is not None:
        session.output.details({"removed": answer.removed})
        for warning in answer.warnings:
            session.output.note(warning, word="Warning:", colour="yellow")


CLI = remove
