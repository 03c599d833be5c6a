"""A terminal as far as our drawings need one: lines that scroll away, and a cursor that cannot follow them."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")


class Screen:
    """What is written to it, as a person sees it; without colours."""

    def __init__(self, columns: int = 40, rows: int = 10) -> None:
        self.columns = columns
        self.rows = rows
        self.gone: list[str] = []
        """The lines that have scrolled away: nothing can change them."""
        self.lines = [""]
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """All that was ever written and not drawn over, without empty lines at the end."""
        return "\n".join(line.rstrip() for line in (*self.gone, *self.lines)).rstrip("\n")

    def write(self, text: str) -> None:
        """Take *text* as a terminal does."""
        position = 0
        for control in _CONTROL.finditer(text):
            self._print(text[position : control.start()])
            self._obey(control[1], control[2])
            position = control.end()
        self._print(text[position:])

    def _print(self, text: str) -> None:
        for letter in text:
            if letter == "\n":
                self._feed()
            elif letter == "\r":
                self._column = 0
            else:
                if self._column == self.columns:
                    self._feed()
                line = self.lines[self._row].ljust(self._column)
                self.lines[self._row] = line[: self._column] + letter + line[self._column + 1 :]
                self._column += 1

    def _feed(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self.lines):
            self.lines.append("")
        if len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self._row -= 1

    def _obey(self, number: str, what: str) -> None:
        match what:
            case "A":
                assert int(number) <= self._row, "the cursor is sent to where the lines are gone"
                self._row -= int(number)
            case "J":
                assert self._column == 0
                self.lines[self._row :] = [""]
            case "m" | "h" | "l":
                pass
            case _:
                raise AssertionError(f"unknown: {number}{what}")
