"""Run the benchmarks and print one table: ``python -m bench [NAME …]``.

Each benchmark is a module of this package that exports ``BENCHMARK``.  Times on a machine that
others share say little; the ratios are taken within one round, so trust those.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import tempfile
from pathlib import Path

import bench
from bench.rig.figures import Row, table
from bench.rig.machine import Neighbours, describe
from bench.rig.run import Benchmark, Run, say

BUSY_SHARE = 0.05
"""From so much on, what others did shows in the figures."""


def main() -> None:
    """Run what the command line names, or all, and print the table."""
    found = find()
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="benchmarks:\n" + "\n".join(f"  {name:<16} {words}" for name, (_, words) in found.items()),
    )
    parser.add_argument(
        "name", nargs="*", choices=[[], *found], help="which ones; if none is named, all but gateway", metavar="NAME"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement takes (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="how large the filled stores are (1)")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="on the disk to measure (/var/tmp)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hecate-bench-", dir=options.dir) as place:
        run = Run(Path(place), options.rounds, options.seconds, options.scale)
        machine, neighbours = describe(run.place), Neighbours()
        rows: list[Row] = []
        try:
            for name in options.name or [name for name, (one, _) in found.items() if not one.only_if_named]:
                benchmark, words = found[name]
                say(f"{name}: {words}")
                rows += benchmark.measure(run)
        finally:
            # Also of a run that was interrupted: what it has measured took its time.
            print(f"{machine}\n{_of_others(neighbours.share())}\n\n{table(rows)}")


def _of_others(share: float) -> str:
    told = f"Other programs took {share:.0%} of the processors meanwhile"
    if share < BUSY_SHARE:
        return f"{told}."
    return (
        f"{told}: the machine was BUSY, so trust ratios and memory, and repeat times, rates and CPU when it is quiet."
    )


def find() -> dict[str, tuple[Benchmark, str]]:
    """Return every benchmark by its name, with the first line of its module's docstring."""
    found: dict[str, tuple[Benchmark, str]] = {}
    for info in pkgutil.iter_modules(bench.__path__):
        if info.name.startswith("_") or info.ispkg:
            continue
        module = importlib.import_module(f"bench.{info.name}")
        first, _, _ = inspect.cleandoc(module.__doc__ or "").partition("\n")
        found[module.BENCHMARK.name] = module.BENCHMARK, first
    return found


if __name__ == "__main__":
    main()
