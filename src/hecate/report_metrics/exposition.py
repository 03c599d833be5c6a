"""Prometheus' text format, 0.0.4: a family of samples after the other.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, Literal

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
NO_LABELS: Final[Labels] = {}

_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Exposition:
    """The text, as it is written."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def family(
        self, name: str, kind: Literal["counter", "gauge"], told: str, samples: Iterable[tuple[Labels, float]]
    ) -> None:
        """Write a family of counters or gauges.

        Args:
            name: Ends in ``_total`` for counters, and in the unit if there is one.
            kind: Whether it only grows.
            told: What it is, for people: one line.
            samples: The labels of each, and its value.
        """
        self._head(name, kind, told)
        self._lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples]

    def gauge(self, name: str, told: str, value: float) -> None:
        """Write a gauge of which there is one."""
        self.family(name, "gauge", told, [(NO_LABELS, value)])

    def counter(self, name: str, told: str, value: float) -> None:
        """Write a counter of which there is one."""
        self.family(name, "counter", told, [(NO_LABELS, value)])

    def histograms(
        self, name: str, told: str, samples: Iterable[tuple[Labels, Sequence[float], Sequence[int], float]]
    ) -> None:
        """Write a family of histograms.

        Args:
            name: Ends in the unit.
            told: As for a `family`.
            samples: The labels of each, its bounds, how many values there were up to each bound and above the
                one before, those above all bounds last, and the sum of all values.
        """
        self._head(name, "histogram", told)
        for labels, bounds, counts, total in samples:
            sums = list(accumulate(counts))
            inner = "".join(f'{label}="{value.translate(_ESCAPED)}",' for label, value in labels.items())
            self._lines += [
                f'{name}_bucket{{{inner}le="{bound}"}} {count}'
                for bound, count in zip((*map(_number, bounds), "+Inf"), sums, strict=True)
            ]
            self._lines.append(f"{name}_sum{_labels(labels)} {_number(total)}")
            self._lines.append(f"{name}_count{_labels(labels)} {sums[-1]}")

    def text(self) -> bytes:
        """Return what was written."""
        return "".join(f"{line}\n" for line in self._lines).encode()

    def _head(self, name: str, kind: str, told: str) -> None:
        self._lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{label}="{value.translate(_ESCAPED)}"' for label, value in labels.items()) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
