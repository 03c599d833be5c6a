"""What a person types in a conversation: lines that can be edited, with a history, or several lines at once."""

from __future__ import annotations

import os
import readline
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

PROMPT: Final = "> "
MORE: Final = "… "
QUOTES: Final = '"""'
MOST_KEPT: Final = 1000


class Prompts:
    """Asks for prompts.

    Args:
        history: The file in which they are kept.
        words: Gives what may follow what has been typed, to be completed with the tabulator.
    """

    def __init__(self, history: Path, words: Callable[[str], Iterable[str]]) -> None:
        self._history = history
        self._words = words
        self._found: Sequence[str] = ()
        # A history is a comfort: it is no reason not to talk.
        with suppress(OSError):
            history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            history.touch(mode=0o600)
            readline.read_history_file(history)
        readline.set_history_length(MOST_KEPT)
        readline.set_completer(self._complete)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")

    def read(self) -> str:
        """Return the next prompt: one line; more after a line that ends in a backslash, or between triple quotes.

        Raises:
            EOFError: There are no more.
            KeyboardInterrupt: Ctrl-C; what was typed is forgotten.
        """
        before = readline.get_current_history_length()
        try:
            return self._read()
        finally:
            with suppress(OSError):
                readline.append_history_file(readline.get_current_history_length() - before, self._history)

    @staticmethod
    def _read() -> str:
        line = input(PROMPT)
        if not line.lstrip().startswith(QUOTES):
            lines = [line]
            while lines[-1].endswith("\\"):
                lines[-1] = lines[-1][:-1]
                lines.append(input(MORE))
            return "\n".join(lines).strip()
        said = line.lstrip().removeprefix(QUOTES)
        while not said.rstrip().endswith(QUOTES):
            said += f"\n{input(MORE)}"
        return said.rstrip().removesuffix(QUOTES).strip()

    def _complete(self, begun: str, number: int) -> str | None:
        if number == 0:
            line = readline.get_line_buffer()
            self._found = [word for word in self._words(line) if word.startswith(begun)]
        return self._found[number] if number < len(self._found) else None


def history_file() -> Path:
    """Return where prompts are kept: in the user's state directory, as the XDG base directory specification has it."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local/state") / "hecate" / "chat_history"
