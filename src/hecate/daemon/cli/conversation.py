"""Answers that are printed as they come, once or in turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from hecate.client import Client, HecateClientError
from hecate.daemon.cli.output import Output

PROMPT = "> "


def answer_once(
    client: Client, output: Output, model: str, messages: list[dict[str, Any]], options: Mapping[str, Any]
) -> None:
    """Print the model's answer to *messages*, and add it to them, also when Ctrl-C or an error has cut it short."""
    said: list[str] = []
    try:
        with client.stream_chat(model, messages, **options) as chunks:
            for chunk in chunks:
                if chunk.reasoning and output.for_people:
                    output.piece(chunk.reasoning, colour="bright_black")
                # First, lest Ctrl-C come in between, and what was read be forgotten.
                said.append(chunk.content)
                output.piece(chunk.content)
    finally:
        answer = "".join(said)
        if answer:
            messages.append({"role": "assistant", "content": answer})
        if answer and not answer.endswith("\n"):
            output.piece("\n")


def converse(
    client: Client, output: Output, model: str, messages: list[dict[str, Any]], options: Mapping[str, Any]
) -> None:
    """Ask for prompts and print answers until the person ends it with Ctrl-D.

    Ctrl-C cancels an answer, at the provider too, and the conversation goes on with what was said so far.
    """
    # Gives `input` a line that can be edited, and a history.
    import readline  # noqa: F401, PLC0415

    while True:
        try:
            prompt = input(PROMPT).strip()
        except KeyboardInterrupt:
            click.echo()
            continue
        except EOFError:
            click.echo()
            return
        if not prompt:
            continue
        said_before = len(messages)
        messages.append({"role": "user", "content": prompt})
        try:
            answer_once(client, output, model, messages, options)
        except KeyboardInterrupt:
            output.note("cancelled")
        except HecateClientError as error:
            # The next prompt may do better; what was asked in vain is forgotten.
            del messages[said_before:]
            output.note(error.message, word="Error:", colour="red")
