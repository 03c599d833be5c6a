"""Running a suite: its command is run, its reports are read, and what has failed is run again.

What has passed and failed is taken from JUnit XML where a report was written: the one that the command names, that
it was told to write, or that lies in a well-known place and is new.  Else from what was printed, as far as that is
understood; and the exit code is the last word.  Coverage is taken from the usual files, if they are new.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from hecate.dossiers.errors import Refused
from hecate.suites.bounded_file import Unreadable, is_fresh
from hecate.suites.coverage_report import fresh_coverage
from hecate.suites.junit_report import fresh_reports, named_report, read_reports
from hecate.suites.own_suite import environment_of_suite, folder_of_suite, own_suite
from hecate.suites.printed_verdicts import PrintedVerdicts
from hecate.suites.project_environment import prepare_environment
from hecate.suites.verdicts import Verdicts
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from hecate.child_processes.child_process import ChildEnd
    from hecate.jobs.job import Job

CLOCK_GRAIN_NS = 50_000_000
"""A file system's clock may be that much behind ours."""
MOST_RUN_AGAIN = 500
"""Of our own suite, by their names: a command line has an end."""

Outcome = Literal["passed", "failed", "error", "timed_out"]


class Run(NamedTuple):
    """What one run of the command has come to."""

    end: ChildEnd
    verdicts: Verdicts
    is_reported: bool
    """Whether a report has told the verdicts."""
    complaint: str
    """Why a report cannot be read; empty: none, or there was none."""
    lacks_report: bool
    """Whether there is none, though our own suite writes one whenever it comes to its end."""
    coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A suite, ready to run."""

    job: Job
    workspace: Workspace
    project: str
    """The path of the division's project in the workspace."""
    timeout_seconds: float
    """Of each run of the command."""
    command: tuple[str, ...] = ()
    """The words of the command; empty: our own, which tests the project with pytest."""
    folder: str = ""
    """Where the command runs, in the workspace; empty: in the project, or in the workspace where there is none."""
    junit_xml: str = ""
    """The report that the command writes, in that folder; empty: well-known places are looked at."""
    retries: int = 0
    """How often tests that have failed are run again; what passes then is flaky, and counts as passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """What a suite has come to."""

    outcome: Outcome
    verdicts: Verdicts
    coverage: float | None
    """Of the lines, in percent; None: not measured."""
    seconds: float
    exit_code: int | None
    """None: it did not end by itself."""
    reason: str
    """Why the outcome is what it is, where the numbers do not say it."""

    @property
    def in_words(self) -> str:
        """The outcome, for people: ``failed: 2 of 3 passed``."""
        counted = f"{self.verdicts.passed} of {self.verdicts.total} passed" if self.verdicts.total else ""
        told = "; ".join(filter(None, (counted, self.reason)))
        return f"{self.outcome}: {told}" if told else self.outcome


async def run_suite(suite: Suite) -> SuiteResult:
    """Run *suite*, and what has failed again as often as it was asked for.

    Raises:
        Refused: The project is missing, what it needs cannot be installed, or the command cannot be run.
    """
    job = suite.job
    running = await asyncio.to_thread(_prepared, suite)
    if not suite.command:
        await prepare_environment(job, running.folder)
    began = time.monotonic()
    job.progress("the tests begin")
    first = last = await running.run()
    verdicts = first.verdicts
    for attempt in range(1, suite.retries + 1):
        if not verdicts.failing or last.end.timed_out:
            break
        job.tell(f"-- {len(verdicts.failing)} that failed are run again, {attempt} of {suite.retries} times")
        last = await running.run(frozenset(verdicts.failing))
        verdicts.forgive(last.verdicts)
    outcome, reason = judge(last, verdicts)
    found = f"{verdicts.passed} of {verdicts.total} passed" if verdicts.total else reason or "no tests are told of"
    job.progress(f"{outcome}: {found}", verdicts.total, verdicts.total)
    return SuiteResult(
        outcome=outcome,
        verdicts=verdicts,
        coverage=first.coverage,
        seconds=round(time.monotonic() - began, 3),
        exit_code=None if last.end.timed_out else last.end.exit_code,
        reason=reason,
    )


def _prepared(suite: Suite) -> _Running:
    folder = folder_of_suite(suite.workspace, suite.project, suite.folder, own=not suite.command)
    return _Running(suite=suite, folder=folder, report=place_of_report(suite.job.data_dir, suite.job.subject_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A suite, where it runs."""

    suite: Suite
    folder: Path
    report: Path
    """Where it is told to write its report, outside the workspace."""

    async def run(self, asked_for: frozenset[str] = frozenset()) -> Run:
        """Run the tests; our own suite: only those that are *asked_for*, if any are."""
        suite = self.suite
        command = suite.command or (*own_suite(self.folder, self.report), *sorted(asked_for)[:MOST_RUN_AGAIN])
        printed = PrintedVerdicts(asked_for)

        def read(lines: Sequence[str]) -> None:
            if printed.read(lines):
                suite.job.progress(printed.in_words, printed.verdicts.total, printed.expected)

        since_ns = time.time_ns() - CLOCK_GRAIN_NS
        end = await suite.job.run(
            command,
            folder=self.folder,
            timeout_seconds=suite.timeout_seconds,
            environment=environment_of_suite(self.folder, self.report, own=not suite.command),
            on_lines=read,
            writes=(self.report.parent,),
        )
        return await asyncio.to_thread(self._read, end, printed.verdicts, since_ns, asked_for)

    def _read(self, end: ChildEnd, printed: Verdicts, since_ns: int, asked_for: frozenset[str]) -> Run:
        coverage = fresh_coverage(self.folder, since_ns)
        try:
            reports = self._reports(since_ns)
            verdicts = read_reports(reports, asked_for)
        except Unreadable as exc:
            return Run(end, printed, is_reported=False, complaint=str(exc), lacks_report=False, coverage=coverage)
        return Run(
            end,
            verdicts if reports else printed,
            is_reported=bool(reports),
            complaint="",
            lacks_report=not reports and not self.suite.command,
            coverage=coverage,
        )

    def _reports(self, since_ns: int) -> list[Path]:
        """Return the reports of the run.

        Raises:
            Unreadable: The one that was named was not written.
        """
        suite = self.suite
        if suite.junit_xml:
            inside = self.folder.relative_to(suite.workspace.root) / suite.junit_xml
            try:
                named = suite.workspace.path(str(inside))
            except Refused as exc:
                raise Unreadable(str(exc)) from exc
            if not is_fresh(named, since_ns):
                raise Unreadable(f"the report {suite.junit_xml!r} was not written")
            return [named]
        in_command = named_report(suite.command) if suite.command else ""
        if in_command and is_fresh(self.folder / in_command, since_ns):
            return [self.folder / in_command]
        if is_fresh(self.report, since_ns):
            return [self.report]
        return fresh_reports(self.folder, since_ns)


def place_of_report(data_dir: Path, division_id: str) -> Path:
    """Return where the suites of a division are told to write their report: in a folder that exists.

    Raises:
        Refused: The disk does not take the folder.
    """
    folder = data_dir / "suites" / division_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise Refused(f"cannot make the folder {folder} for a report: {exc.strerror}") from exc
    return folder / "junit.xml"


def judge(run: Run, verdicts: Verdicts) -> tuple[Outcome, str]:
    """Return the outcome of a suite whose last run was *run*, and why, where *verdicts* do not say it."""
    end = run.end
    if end.timed_out:
        return "timed_out", end.in_words
    if verdicts.failing or verdicts.failed or verdicts.errors:
        return "failed", run.complaint
    if end.succeeded and run.lacks_report:
        # Something in the project has ended pytest, and called that a success.
        return "error", f"{end.in_words}, though the tests were not run to their end"
    if end.succeeded or (verdicts.flaky and run.verdicts.failing):
        # Whatever failed at last has passed before.
        return "passed", run.complaint
    if end.signal is not None:
        return "error", end.in_words
    if run.is_reported:
        # Too little coverage, an error in the configuration, nothing collected …
        return "error", f"{end.in_words}, though no test is reported as failed"
    return "failed", "; ".join(filter(None, (end.in_words, run.complaint)))
