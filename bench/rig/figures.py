"""Numbers and how they are shown: percentiles, rounds, and the rows of the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table."""

    what: str
    target: str
    """Empty where the number is there to be known only."""
    measured: str
    beside: str = ""
    """What else was measured in the same run: peers, further figures."""
    met: bool | None = None
    """Whether the target was met; None where there is none."""


class Rounds(NamedTuple):
    """One figure, measured in several rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def text(self, unit: str = "", digits: int = 2) -> str:
        """Return the median with the lowest and the highest: ``2.10 (1.95 to 2.31) ms``."""
        shown = f"{self.median:,.{digits}f}"
        if len(self.values) > 1:
            shown += f" ({min(self.values):,.{digits}f} to {max(self.values):,.{digits}f})"
        return f"{shown} {unit}".rstrip()


def rounds(values: Sequence[float]) -> Rounds:
    """Return *values*, one for each round, as a figure."""
    return Rounds(tuple(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Rounds:
    """Return ours by theirs, round by round: what one noisy round does to both cancels out."""
    return Rounds(tuple(our / their for our, their in zip(ours, theirs, strict=True)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which *share* (0 to 1) of the *ordered* values lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def at_least(what: str, figure: Rounds, bound: float, *, than: str, beside: str = "") -> Row:
    """Return the row of a ratio that should be *bound* or more."""
    return Row(what, f"at least {bound:g} times {than}", figure.text("times"), beside, figure.median >= bound)


def under(what: str, figure: Rounds, bound: float, unit: str, *, beside: str = "", digits: int = 2) -> Row:
    """Return the row of a figure that should be less than *bound*."""
    return Row(what, f"under {bound:g} {unit}", figure.text(unit, digits), beside, figure.median < bound)


def over(what: str, figure: Rounds, bound: float, unit: str, *, beside: str = "", digits: int = 0) -> Row:
    """Return the row of a figure that should be more than *bound*."""
    return Row(what, f"over {bound:,g} {unit}", figure.text(unit, digits), beside, figure.median > bound)


def table(rows: Sequence[Row]) -> str:
    """Return *rows* as a Markdown table whose columns line up."""
    head = ("measured", "target", "result", "", "in the same run")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    verdict = {True: "ok", False: "MISSED", None: ""}[row.met]
    return row.what, row.target, row.measured, verdict, row.beside
