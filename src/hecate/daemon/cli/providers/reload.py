"""``hecate providers reload``: read the configuration again."""

from __future__ import annotations

import click

from hecate.client import model_questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("reload", examples=("hecate providers reload",))
@click.pass_obj
def reload(session: Session) -> None:
    """Read the configuration again.

    With the environment file and the key files; what has changed is shown.
    """
    with session.client() as client:
        answer = session.show(client, model_questions.reload_providers())
    if answer is None:
        return
    changed = (f"{name} ({', '.join(settings)})" for name, settings in answer.changed_settings.items())
    changes = {
        "added": ", ".join(answer.added),
        "removed": ", ".join(answer.removed),
        "changed": ", ".join(changed),
    }
    session.output.details(changes)
    if not any(changes.values()):
        session.output.note("nothing has changed")
    for name, health in answer.health.items():
        if health.error:
            session.output.note(f"{name}: {health.error}", word="Warning:", colour="yellow")


CLI = reload
