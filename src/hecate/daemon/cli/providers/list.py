"""``hecate providers list``: which providers are in use, and how are they?"""

from __future__ import annotations

import click

from hecate.client import model_questions
from hecate.client.model_answers import Provider
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session

COLUMNS = ("PROVIDER", "KIND", "STATUS", "MODELS", "KEY", "FROM", "ADDRESS", "ERROR")


@command("list", examples=("hecate providers list", "hecate providers list --json | jq -r '.kinds[].key_variables[]'"))
@click.pass_obj
def list_(session: Session) -> None:
    """List the providers in use.

    With how each is, where its settings come from, and whether it has a key.
    """
    with session.client() as client:
        answer = session.show(client, model_questions.provider_list())
    if answer is None:
        return
    session.output.table(COLUMNS, [row(provider) for provider in answer.providers], if_empty="no provider is in use")
    if answer.removed:
        session.output.note(f"removed, though configured: {', '.join(answer.removed)}")


def row(provider: Provider) -> tuple[object, ...]:
    """Return what `COLUMNS` show of *provider*."""
    health = provider.health
    key = "set" if provider.has_key else "not set"
    where = (provider.origin, provider.base_url)
    return (provider.name, provider.kind, health.status, health.models, key, *where, health.error)


CLI = list_
