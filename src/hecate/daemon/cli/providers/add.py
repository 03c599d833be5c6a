"""``hecate providers add``: use another provider, or another key."""

from __future__ import annotations

import sys
from typing import IO

import click

from hecate.client import model_questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.providers.list import COLUMNS, row
from hecate.daemon.cli.session import Session


@command(
    "add",
    examples=(
        "hecate providers add groq",
        "pass show groq | hecate providers add groq --key-file -",
        "hecate providers add my-vllm --url http://gpu:8000/v1 --no-key",
    ),
)
@click.argument("name")
@click.option("--kind", default="", help="Whose API it speaks; else that of its name, or OpenAI's.")
@click.option("--url", default="", help="Where it is, if not where its kind usually is.", metavar="URL")
@click.option("--key-file", type=click.File("r"), help="A file with the key; - is standard input.", metavar="FILE")
@click.option("--no-key", is_flag=True, help="Ask for no key: it needs none, or has one already.")
@click.option(
    "--model", "models", multiple=True, help="A model to list, where it cannot list its own; may be repeated."
)
@click.option("--even-if-ill", is_flag=True, help="Add it even if it does not answer now.")
@click.pass_obj
def add(  # noqa: PLR0917 - click passes them by name
    session: Session,
    name: str,
    kind: str,
    url: str,
    key_file: IO[str] | None,
    no_key: bool,  # noqa: FBT001
    models: tuple[str, ...],
    even_if_ill: bool,  # noqa: FBT001
) -> None:
    """Add a provider, or change one, and keep it so.

    It is asked for its models first: what does not answer, or refuses the key, is not added.  On a terminal the key is
    asked for; it is never part of a command line, where other users could read it.
    """
    given = {
        "name": name,
        "kind": kind,
        "base_url": url,
        "api_key": "" if no_key else _key(name, key_file),
        "models": models,
        "even_if_ill": even_if_ill,
    }
    with session.client() as client:
        answer = session.show(
            client, model_questions.add_provider({field: value for field, value in given.items() if value})
        )
    if answer is not None:
        session.output.table(COLUMNS, [row(answer.provider)], if_empty="")


def _key(name: str, file: IO[str] | None) -> str:
    if file is not None:
        return file.read().strip()
    if not sys.stdin.isatty():
        return ""
    key: str = click.prompt(f"Key for {name} (empty: none)", default="", show_default=False, hide_input=True, err=True)
    return key.strip()


CLI = add
