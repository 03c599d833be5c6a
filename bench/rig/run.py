"""One run of the benchmarks: where it may write, how long it may take, and what is reused in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bench.rig.figures import Row


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What every benchmark is given."""

    place: Path
    """A directory of this run, on the disk that is measured."""
    rounds: int = 5
    seconds: float = 3.0
    """Of one measurement in one round."""
    scale: float = 1.0
    """How large the filled stores are, 1 for as large as the targets say."""
    _places: Iterator[int] = field(default_factory=count)

    def new_place(self, name: str) -> Path:
        """Return an empty directory."""
        place = self.place / f"{next(self._places)}-{name}"
        place.mkdir()
        return place

    def sized(self, full: int, least: int = 10) -> int:
        """Return *full* at the run's scale, at least *least*."""
        return max(least, int(full * self.scale))

    def each_round(self) -> Iterator[int]:
        """Give the number of each round, and say so on standard error."""
        for number in range(self.rounds):
            say(f"  round {number + 1} of {self.rounds}")
            yield number


class Benchmark(NamedTuple):
    """A benchmark: its name on the command line, and what measures it."""

    name: str
    measure: Callable[[Run], Iterator[Row]]
    only_if_named: bool = False
    """Whether a run of all leaves it out: it takes long, or installs something."""


def say(words: str) -> None:
    """Tell whoever waits how far it has come."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
