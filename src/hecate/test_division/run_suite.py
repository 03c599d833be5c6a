"""Desk: run a suite of tests.

    POST /api/divisions/{division_id}/test/suite
    {"suite_type": "unit", "command": "pytest -x", "timeout_seconds": 300, "retries": 1}

It is a job.  Without a ``command`` the division's own project is tested with pytest, from which progress, totals
and failures are known.  Any other command runs in the project's folder, or in the workspace where there is none;
no shell reads it.  See `hecate.suites.run_suite` for what is read of its outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from hecate.child_processes.command_line import CommandLine, words_of
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event, Name
from hecate.suites.own_suite import OWN_SUITE, RelativePath
from hecate.test_division.finish_suite import FINISH, TestSuiteFinished
from hecate.test_division.suite_work import run, unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

TimeoutSeconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Retries = Annotated[int, msgspec.Meta(ge=0, le=10)]


class RunSuite(Command, frozen=True):
    """Ask that tests are run."""

    suite_type: Name = "unit"
    """Of the caller's choice: ``unit``, ``integration``, ``acceptance`` …"""
    command: CommandLine = ""
    timeout_seconds: TimeoutSeconds = 900.0
    """Of each run of the command."""
    retries: Retries = 0
    """How often tests that have failed are run again; what passes then is flaky, and counts as passed."""
    folder: RelativePath = ""
    """Where the command runs, in the workspace; empty: in the division's project."""
    junit_xml: RelativePath = ""
    """The report that the command writes, in that folder; empty: well-known places are looked at."""


class TestSuiteStarted(Event, frozen=True):
    """The tests will be run."""

    __test__: ClassVar[bool] = False  # for pytest, which would take the name for a test's

    suite_id: str
    suite_type: str
    command: tuple[str, ...]
    timeout_seconds: float


def decide(dossier: Dossier, command: RunSuite) -> Sequence[Event]:
    """Run one suite of a type at a time.

    Raises:
        Invalid: The command cannot be read.
        Refused: A suite of the type is running.
    """
    words = words_of(command.command)
    last = dossier.find(TestSuiteStarted, suite_type=command.suite_type)
    if last is not None and not dossier.has(TestSuiteFinished, suite_id=last.suite_id):
        raise Refused(
            f"the {command.suite_type} suite {last.suite_id!r} is running; wait for its job to end, or cancel it"
        )
    return [
        TestSuiteStarted(
            suite_id=dossier.new_id("suite"),
            suite_type=command.suite_type,
            command=words or OWN_SUITE,
            timeout_seconds=command.timeout_seconds,
        )
    ]


DESK = Desk(
    path="suite",
    command=RunSuite,
    events=(TestSuiteStarted,),
    decide=decide,
    makes="suite_id",
    status=202,
    work=Work(do=run, record=FINISH, unfinished=unfinished, holds_workspace=True),
    example=Example(
        when=RunSuite(timeout_seconds=300.0, retries=1),
        then=(
            TestSuiteStarted(
                suite_id="suite-", suite_type="unit", command=("python", "-m", "pytest"), timeout_seconds=300.0
            ),
        ),
    ),
)
