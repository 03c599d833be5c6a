"""Desk: record how a suite of tests has ended.  Only the suite's own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.errors import Refused
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event
from hecate.suites.verdicts import FailedTest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

SuiteOutcome = Literal["passed", "failed", "error", "timed_out", "cancelled", "interrupted"]


class FinishSuite(Command, frozen=True):
    """Ask that the outcome of a suite is recorded; the fields are those of the event."""

    suite_id: str
    suite_type: str
    outcome: SuiteOutcome
    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    flaky: tuple[str, ...] = ()
    failures: tuple[FailedTest, ...] = ()
    coverage: float | None = None
    duration_seconds: float = 0.0
    exit_code: int | None = None
    reason: str = ""


class TestSuiteFinished(Event, frozen=True):
    """The tests were run, or were not to their end."""

    __test__: ClassVar[bool] = False  # for pytest, which would take the name for a test's

    suite_id: str
    suite_type: str
    outcome: SuiteOutcome
    total: int
    passed: int
    """Those that have passed when they were run again included."""
    failed: int
    errors: int
    skipped: int
    flaky: tuple[str, ...]
    """Names of tests that failed, and passed when they were run again."""
    failures: tuple[FailedTest, ...]
    """The first of them."""
    coverage: float | None
    """Of the lines, in percent; None: not measured."""
    duration_seconds: float
    exit_code: int | None
    """128 and the number of a signal where one has ended the command.  None: it did not end by itself, or never ran."""
    reason: str
    """Why the outcome is what it is, where the numbers do not say it."""


def decide(dossier: Dossier, command: FinishSuite) -> Sequence[Event]:
    """Record the outcome, once.

    Raises:
        Refused: It is recorded already.
    """
    if dossier.has(TestSuiteFinished, suite_id=command.suite_id):
        raise Refused(f"the outcome of suite {command.suite_id!r} is recorded already")
    return [TestSuiteFinished(**msgspec.structs.asdict(command))]


FINISH = Desk(
    path="",
    command=FinishSuite,
    events=(TestSuiteFinished,),
    decide=decide,
    states=EVERY_STATE,
    makes="suite_id",
    example=Example(
        when=FinishSuite(
            suite_id="suite-",
            suite_type="unit",
            outcome="failed",
            total=3,
            passed=2,
            failed=1,
            flaky=("tests/test_users.py::test_login",),
            failures=(
                FailedTest("tests/test_users.py::test_name", "assert 'ann' == 'bob'", "tests/test_users.py", 12),
            ),
            coverage=87.5,
            duration_seconds=1.25,
            exit_code=1,
        ),
        then=(
            TestSuiteFinished(
                suite_id="suite-",
                suite_type="unit",
                outcome="failed",
                total=3,
                passed=2,
                failed=1,
                errors=0,
                skipped=0,
                flaky=("tests/test_users.py::test_login",),
                failures=(
                    FailedTest("tests/test_users.py::test_name", "assert 'ann' == 'bob'", "tests/test_users.py", 12),
                ),
                coverage=87.5,
                duration_seconds=1.25,
                exit_code=1,
                reason="",
            ),
        ),
    ),
)
