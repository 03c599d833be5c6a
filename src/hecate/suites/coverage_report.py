"""How much of the code the tests have reached, from the files that coverage programs write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from hecate.suites.bounded_file import Unreadable, is_fresh, opened
from hecate.suites.xml_reading import Attributes, read_xml

Report = TypeVar("Report", bound=msgspec.Struct)


def fresh_coverage(folder: Path, since_ns: int) -> float | None:
    """Return the share of lines that were reached, in percent, as a report in *folder* says.

    None: there is none that was written at *since_ns* or later, or it cannot be read.
    """
    for place, read in REPORTS:
        path = folder / place
        if is_fresh(path, since_ns):
            try:
                percent = read(path)
            except Unreadable:
                continue
            if percent is not None and 0 <= percent <= 100:
                return round(percent, 2)
    return None


def read_cobertura(path: Path) -> float | None:
    """Return what ``coverage.xml`` says: coverage.py and others write it."""
    rates: list[str] = []

    def begin(name: str, attributes: Attributes) -> None:
        if name == "coverage" and not rates:
            rates.append(attributes.get("line-rate", ""))

    read_xml(path, begin=begin)
    try:
        return float(rates[0]) * 100 if rates else None
    except ValueError:
        return None


class _Percent(msgspec.Struct):
    percent_covered: float


class _CoverageJson(msgspec.Struct):
    totals: _Percent


class _Lines(msgspec.Struct):
    pct: float


class _Total(msgspec.Struct):
    lines: _Lines


class _Summary(msgspec.Struct):
    total: _Total


def read_coverage_json(path: Path) -> float:
    """Return what coverage.py's ``coverage.json`` says."""
    return _decoded(path, _CoverageJson).totals.percent_covered


def read_summary(path: Path) -> float:
    """Return what Istanbul's ``coverage-summary.json`` says."""
    return _decoded(path, _Summary).total.lines.pct


def _decoded(path: Path, kind: type[Report]) -> Report:
    with opened(path) as file:
        try:
            return msgspec.json.decode(file.read(), type=kind)
        except msgspec.DecodeError as exc:
            raise Unreadable(f"{path.name} is not what coverage programs write: {exc}") from exc


def read_lcov(path: Path) -> float | None:
    """Return what an lcov tracefile says: ``LF`` lines were found, ``LH`` of them hit."""
    found = hit = 0
    with opened(path) as file:
        for line in file:
            if match := re.fullmatch(rb"L([FH]):(\d{1,9})", line.strip()):
                if match[1] == b"F":
                    found += int(match[2])
                else:
                    hit += int(match[2])
    return 100 * hit / found if found else None


def read_go_profile(path: Path) -> float | None:
    """Return what ``go test -coverprofile`` says, of statements: ``file.go:1.2,3.4 STATEMENTS COUNT``."""
    statements = reached = 0
    with opened(path) as file:
        for line in file:
            if match := re.fullmatch(rb"\S+:[\d.,]+ (\d{1,9}) (\d{1,18})", line.strip()):
                statements += int(match[1])
                reached += int(match[1]) if int(match[2]) else 0
    return 100 * reached / statements if statements else None


REPORTS: tuple[tuple[str, Callable[[Path], float | None]], ...] = (
    ("coverage.xml", read_cobertura),
    ("coverage.json", read_coverage_json),
    ("coverage/coverage-summary.json", read_summary),
    ("coverage/cobertura-coverage.xml", read_cobertura),
    ("cobertura.xml", read_cobertura),
    ("coverage/lcov.info", read_lcov),
    ("lcov.info", read_lcov),
    ("coverage.out", read_go_profile),
    ("cover.out", read_go_profile),
)
"""Where they usually are, from the folder in which the tests run; the first that can be read counts."""
