"""A conversation with a model: what was said, and answers that are printed as they come."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hecate.client import Client
from hecate.client.model_answers import ChatChunk
from hecate.daemon.cli.markdown_view import MarkdownView
from hecate.daemon.cli.output import Output, printable


class Conversation:
    """What is said, and to whom.

    Args:
        client: Asks the daemon.
        output: Where answers are printed.
        model: Who is asked.
        system: What the model is told before everything else; empty: nothing.
        options: Further fields of each request.
        plain: Whether answers are printed as they are, even on a terminal.
    """

    def __init__(
        self, client: Client, output: Output, model: str, *, system: str, options: Mapping[str, Any], plain: bool
    ) -> None:
        self.client = client
        self.output = output
        self.model = model
        self.system = system
        self.said: list[dict[str, Any]] = []
        self._options = options
        # A terminal that cannot move its cursor gets the text as it comes.
        self._drawn = output.for_people and not plain and os.environ.get("TERM", "dumb") != "dumb"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All that the model is told with the next request."""
        return [{"role": "system", "content": self.system}, *self.said] if self.system else [*self.said]

    def ask(self, prompt: str) -> None:
        """Print the model's answer to *prompt*; both are then part of the conversation.

        So is an answer that Ctrl-C or an error has cut short.  A prompt without a word of an answer is forgotten.
        """
        before = len(self.said)
        self.said.append({"role": "user", "content": prompt})
        pieces: list[str] = []
        try:
            with self.client.stream_chat(self.model, self.messages, **self._options) as chunks:
                self._print(chunks, pieces)
        finally:
            if answer := "".join(pieces):
                self.said.append({"role": "assistant", "content": answer})
            else:
                del self.said[before:]

    def _print(self, chunks: Iterator[ChatChunk], pieces: list[str]) -> None:
        warnings: list[str] = []
        try:
            if self._drawn:
                with _keys_unseen(), MarkdownView(self.output.draw, colour=self.output.colour is not False) as view:
                    for chunk in chunks:
                        view.add(printable(chunk.reasoning or ""), aside=True)
                        # First, lest Ctrl-C come in between, and what was read be forgotten.
                        pieces.append(chunk.content)
                        view.add(printable(chunk.content))
                        warnings += chunk.warnings
            else:
                self._print_plainly(chunks, pieces, warnings)
        finally:
            for warning in warnings:
                self.output.note(warning, word="Warning:", colour="yellow")

    def _print_plainly(self, chunks: Iterator[ChatChunk], pieces: list[str], warnings: list[str]) -> None:
        try:
            for chunk in chunks:
                if chunk.reasoning and self.output.for_people:
                    self.output.piece(chunk.reasoning, colour="bright_black")
                pieces.append(chunk.content)
                self.output.piece(chunk.content)
                warnings += chunk.warnings
        finally:
            if (answer := "".join(pieces)) and not answer.endswith("\n"):
                self.output.piece("\n")


@contextmanager
def _keys_unseen() -> Iterator[None]:
    """Keep what is typed from being shown where an answer is drawn; the next prompt has it."""
    if not sys.stdin.isatty():
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    unseen = [*before]
    unseen[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
