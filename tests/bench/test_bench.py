"""The benchmarks run; what they measure here, at a hundredth of the size, says nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.__main__ import find

ROOT = Path(__file__).parents[2]
BENCHMARKS = [name for name, (benchmark, _) in find().items() if not benchmark.only_if_named]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs(name: str) -> None:
    """It prints the machine and a table in which every row has a result."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as place:
        sizes = ["--rounds", "1", "--seconds", "0.1", "--scale", "0.001"]
        command = [sys.executable, "-m", "bench", name, *sizes, "--dir", place]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        machine, _, table = done.stdout.partition("\n\n")
        assert machine.startswith("Hecate ")
        head, line, *rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
        assert head == ["measured", "target", "result", "", "in the same run"]
        assert set("".join(line)) == {"-"}
        assert rows
        assert all(what and result for what, _, result, _, _ in rows)
        assert all(verdict in ({"ok", "MISSED"} if target else {""}) for _, target, _, verdict, _ in rows)
        assert not list(Path(place).iterdir())
