"""Coverage, from the files of those who measure it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hecate.suites.coverage_report import fresh_coverage


@pytest.mark.parametrize(
    ("place", "text", "percent"),
    [
        ("coverage.xml", '<?xml version="1.0"?><!DOCTYPE coverage><coverage line-rate="0.875"><a/></coverage>', 87.5),
        ("coverage.json", '{"meta": {}, "files": {}, "totals": {"percent_covered": 66.666666}}', 66.67),
        ("coverage/coverage-summary.json", '{"total": {"lines": {"total": 4, "pct": 75}}}', 75.0),
        ("lcov.info", "SF:a.js\nLF:3\nLH:1\nend_of_record\nSF:b.js\nLF:1\nLH:1\n", 50.0),
        ("cover.out", "mode: set\na.go:1.2,3.4 3 1\na.go:5.2,6.4 1 0\n", 75.0),
    ],
)
def test_each_program_writes_its_own(tmp_path: Path, place: str, text: str, percent: float) -> None:
    """Percent of the lines; of Go's, of the statements."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(text)
    assert fresh_coverage(tmp_path, 0) == percent
    os.utime(tmp_path / place, (1, 1))
    assert fresh_coverage(tmp_path, 10**12) is None


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("coverage.xml", "no xml"),
        ("coverage.xml", "<report/>"),
        ("coverage.xml", '<coverage line-rate="much"/>'),
        ("coverage.xml", '<coverage line-rate="nan"/>'),
        ("coverage.xml", '<coverage line-rate="7"/>'),
        ("coverage.json", "{}"),
        ("coverage.json", "no json"),
        ("lcov.info", "LF:0\nLH:0\n"),
        ("cover.out", "mode: set\n"),
    ],
)
def test_what_says_nothing_is_passed_over(tmp_path: Path, place: str, text: str) -> None:
    """The next place is looked at, and without any there is no coverage."""
    (tmp_path / place).write_text(text)
    assert fresh_coverage(tmp_path, 0) is None
    (tmp_path / "coverage.out").write_text("a.go:1.2,3.4 1 1\n")
    assert fresh_coverage(tmp_path, 0) == 100.0
