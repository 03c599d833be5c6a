"""The turns of a conversation on a terminal: a prompt, an answer, and so on until the person leaves."""

from __future__ import annotations

from collections.abc import Iterable

import click

from hecate.client import HecateClientError
from hecate.daemon.cli.chat_words import Leave, act, completions
from hecate.daemon.cli.conversation import Conversation
from hecate.daemon.cli.prompts import Prompts, history_file


def converse(conversation: Conversation) -> None:
    """Ask for prompts and print answers until the person ends it: with Ctrl-D, ``/bye``, or Ctrl-C at an empty prompt.

    Ctrl-C during an answer cancels it, at the provider too, and the conversation goes on with what was said so far.
    """

    def words(line: str) -> Iterable[str]:
        try:
            return completions(conversation, line)
        except HecateClientError:
            return ()

    prompts = Prompts(history_file(), words)
    wants_to_leave = False
    while True:
        try:
            prompt = prompts.read()
        except KeyboardInterrupt:
            click.echo()
            if wants_to_leave:
                return
            wants_to_leave = True
            conversation.output.note("Ctrl-C once more, or Ctrl-D, ends the conversation")
            continue
        except EOFError:
            click.echo()
            return
        wants_to_leave = False
        if not prompt:
            continue
        try:
            _answer(conversation, prompt)
        except Leave:
            return


def _answer(conversation: Conversation, prompt: str) -> None:
    try:
        if prompt.startswith("/") and not prompt.startswith("//"):
            act(conversation, prompt)
        else:
            conversation.ask(prompt[1:] if prompt.startswith("//") else prompt)
    except KeyboardInterrupt:
        conversation.output.note("cancelled")
    except HecateClientError as error:
        # The next prompt may do better.
        conversation.output.note(error.message, word="Error:", colour="red")
