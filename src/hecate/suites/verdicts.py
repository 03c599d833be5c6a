"""What a run of tests has found, whoever told it: a report, or the lines that were printed."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

MOST_FAILURES = 100
"""Failures that are told in full."""
MOST_NAMES = 10_000
"""Names of failed tests that are remembered, to run them again."""
LONGEST_MESSAGE = 1000
LONGEST_NAME = 500


class FailedTest(msgspec.Struct, frozen=True):
    """A test that has not passed."""

    name: str
    message: str
    file: str = ""
    """Empty: not known."""
    line: int | None = None
    """From 1."""


@dataclass(slots=True)
class Verdicts:
    """The tests that were run, counted; those that failed, by name."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    failures: list[FailedTest] = field(default_factory=list)
    failing: dict[str, bool] = field(default_factory=dict)
    """Names of those that failed, and whether it was an error: the test could not be run."""
    flaky: set[str] = field(default_factory=set)
    """Names of those that are known to have failed at first, and to have passed then."""
    passing: set[str] = field(default_factory=set)
    """Names of those that have passed, as far as they were asked for."""

    @property
    def total(self) -> int:
        """How many there were."""
        return self.passed + self.failed + self.errors + self.skipped

    def fail(
        self, name: str, message: str = "", *, file: str = "", line: int | None = None, error: bool = False
    ) -> None:
        """Count a test that has failed, or, as an *error*, could not be run."""
        if error:
            self.errors += 1
        else:
            self.failed += 1
        name = name[:LONGEST_NAME]
        if len(self.failing) < MOST_NAMES:
            self.failing[name] = error
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(FailedTest(name, message[:LONGEST_MESSAGE], file[:LONGEST_NAME], line))

    def forgive(self, again: Verdicts) -> None:
        """Count what has passed when it was run *again* as passed, and flaky; and what has passed before, as flaky."""
        self.flaky |= again.failing.keys() - self.failing.keys()
        for name in self.failing.keys() & again.passing:
            if self.failing.pop(name):
                self.errors -= 1
            else:
                self.failed -= 1
            self.passed += 1
            self.flaky.add(name)
        self.failures = [failure for failure in self.failures if failure.name in self.failing]
