"""``hecate models``: what can be chatted with?"""

from __future__ import annotations

import click

from hecate.client import Client, model_questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session


@command("models", examples=("hecate models", "hecate models --json | jq -r '.models[].id'"))
@click.pass_obj
def models(session: Session) -> None:
    """List the models of all providers."""
    with session.client() as client:
        answer = session.show(client, model_questions.models())
        if answer is None:
            return
        session.output.table(
            ("MODEL", "PROVIDER", "SIZE", "CONTEXT"),
            [(model.name, model.provider, model.size, model.context_length) for model in answer.models],
            if_empty="there are no models",
        )
        if not answer.models:
            session.output.note(why_none(client))


def why_none(client: Client) -> str:
    """Return how each provider does, which is why there are no models."""
    providers = client.providers()
    return "providers: " + ", ".join(
        f"{name} {health.status.replace('_', ' ')}{f' ({health.error})' if health.error else ''}"
        for name, health in providers.items()
    )


CLI = models
