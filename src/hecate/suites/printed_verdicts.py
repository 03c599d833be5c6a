"""What test programs print while they run: how many tests there are, and how each has ended.

It is the progress of a job, and what there is of totals where no report is written.  pytest, Go's and Cargo's tests
and TAP are understood; what others print only passes through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hecate.suites.verdicts import Verdicts

LONGEST_LINE = 2000
"""A longer line is no verdict."""

_PYTEST_TOTAL = re.compile(
    r"(?:collecting \.\.\. )?collected (\d{1,7}) items?(?: / (\d{1,7}) deselected)?.*"
    r"|\d+ workers \[(\d{1,7}) items?\].*"
)
_PYTEST_CASE = re.compile(
    r"(?P<name>\S.*::.*\S) (?P<verdict>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: .*)? +\[ *\d{1,3}%\]"
    r"|\[gw\d+\] \[ *\d{1,3}%\] (?P<verdict_there>PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (?P<name_there>\S.*)"
)
_PYTEST_DOTS = re.compile(r"(?:\S.* )?([.FEsxX]+) +\[ *\d{1,3}%\]")
_GO_CASE = re.compile(r" *--- (PASS|FAIL|SKIP): (\S+)(?: \(.*\))?")
_CARGO_TOTAL = re.compile(r"running (\d{1,7}) tests?")
_CARGO_CASE = re.compile(r"test (\S.*) \.\.\. (ok|FAILED|ignored)(?:,.*)?")
_TAP_TOTAL = re.compile(r"1\.\.(\d{1,7})")
_TAP_CASE = re.compile(r"(not )?ok \d+(?: -)?(?: (.*?))?( # (?:SKIP|TODO).*)?", re.IGNORECASE)

# One look tells that most lines are no verdict: a gigabyte of output has ten million of them.
_WORTH_A_LOOK = re.compile(r"%\]|--- |collected |running \d|\.\.\. |ok \d|1\.\.\d|workers \[")

_KINDS = {
    **dict.fromkeys(("PASSED", "XPASS", "PASS", "ok", ".", "X"), "passed"),
    **dict.fromkeys(("FAILED", "FAIL", "F"), "failed"),
    **dict.fromkeys(("ERROR", "E"), "error"),
    **dict.fromkeys(("SKIPPED", "XFAIL", "SKIP", "ignored", "s", "x"), "skipped"),
}


class PrintedVerdicts:
    """Reads the output of a run as it comes.

    Args:
        asked_for: Names of tests of which is to be known that they have passed.
    """

    def __init__(self, asked_for: frozenset[str] = frozenset()) -> None:
        self.verdicts = Verdicts()
        self._asked_for = asked_for
        self.expected: int | None = None
        """How many tests there will be; None: nothing has said it."""

    def read(self, lines: Sequence[str]) -> bool:
        """Take the next lines; tell whether they have said anything new."""
        before = (self.verdicts.total, self.expected)
        for line in lines:
            if len(line) <= LONGEST_LINE and _WORTH_A_LOOK.search(line):
                self._read(line.rstrip())
        return (self.verdicts.total, self.expected) != before

    @property
    def in_words(self) -> str:
        """Where the run stands: ``7 of 40 passed, 1 failed``."""
        verdicts = self.verdicts
        of = "" if self.expected is None else f" of {self.expected}"
        not_passed = ((verdicts.failed, "failed"), (verdicts.errors, "errors"), (verdicts.skipped, "skipped"))
        return ", ".join([f"{verdicts.passed}{of} passed", *(f"{count} {word}" for count, word in not_passed if count)])

    def _read(self, line: str) -> None:
        if match := _PYTEST_CASE.fullmatch(line):
            self._count(match["verdict"] or match["verdict_there"], match["name"] or match["name_there"])
        elif match := _PYTEST_DOTS.fullmatch(line):
            for letter in match[1]:
                self._count(letter, "")
        elif match := _GO_CASE.fullmatch(line):
            self._count(match[1], match[2])
        elif match := _CARGO_CASE.fullmatch(line):
            self._count(match[2], match[1])
        elif match := _TAP_CASE.fullmatch(line):
            self._count("SKIP" if match[3] else "FAIL" if match[1] else "PASS", match[2] or "")
        elif match := _PYTEST_TOTAL.fullmatch(line):
            self.expected = int(match[1] or match[3]) - int(match[2] or 0)
        elif match := _CARGO_TOTAL.fullmatch(line):
            # One such line for each of its programs.
            self.expected = (self.expected or 0) + int(match[1])
        elif match := _TAP_TOTAL.fullmatch(line):
            self.expected = int(match[1])

    def _count(self, word: str, name: str) -> None:
        kind = _KINDS[word]
        if kind == "passed":
            self.verdicts.passed += 1
            if name in self._asked_for:
                self.verdicts.passing.add(name)
        elif kind == "skipped":
            self.verdicts.skipped += 1
        else:
            self.verdicts.fail(name or f"test {self.verdicts.total + 1}", error=kind == "error")
